"""What a browser makes of the page; skipped where there is none."""

import shutil
import subprocess

import pytest

from negtransfer.reports import render_html

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PDFTOTEXT = shutil.which("pdftotext")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.mark.slow
@pytest.mark.skipif(not (CHROMIUM and PDFTOTEXT), reason="needs chromium and pdftotext")
def test_print_holds_every_row_and_the_identity_on_each_page(diagnoses, tmp_path):
    d = diagnoses["wide"]
    page, pdf = tmp_path / "page.html", tmp_path / "page.pdf"
    page.write_text(render_html(d), encoding="utf-8")
    subprocess.run(
        [
            CHROMIUM,
            *FLAGS,
            "--no-pdf-header-footer",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--print-to-pdf={pdf}",
            page.as_uri(),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    text = subprocess.run(
        [PDFTOTEXT, "-layout", str(pdf), "-"], check=True, capture_output=True, text=True
    ).stdout
    sheets = text.strip("\f\n").split("\f")
    assert len(sheets) > 5
    assert all("clinic_a → clinic_b" in sheet for sheet in sheets)
    assert all(f"page {i + 1} of {len(sheets)}" in s for i, s in enumerate(sheets))
    assert all(f.name in text for f in d.features)
    assert all(c.id in text for c in d.checks)
    assert "Gaussian" in text or "gaussian" in text  # inside a closed part
