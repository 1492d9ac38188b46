"""Rows a network is shown: every container, their hashes, and the raw inputs beside them."""

import numpy as np
import pandas as pd
import pytest

from negtransfer import Domain
from negtransfer.diagnostics.errors import InputError
from negtransfer.diagnostics.models import Rows

Image = pytest.importorskip("PIL.Image")


def pictures(n=6, height=8, width=10, seed=0):
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, size=(n, height, width, 3)).astype(np.uint8)


def folder(path, images, classes=None, ending="png"):
    for i, image in enumerate(images):
        place = path if classes is None else path / classes[i]
        place.mkdir(exist_ok=True, parents=True)
        Image.fromarray(image).save(place / f"{i:03d}.{ending}")
    return path


CLASSES = ["cat", "cat", "cat", "dog", "dog", "NA"]


def test_a_folder_of_classes(tmp_path):
    images = pictures()
    rows = Rows.load(folder(tmp_path / "pets", images, CLASSES))
    assert (rows.name, rows.kind, rows.n, rows.named) == ("pets", "images", 6, True)
    assert rows.ids[:2] == ("NA/005.png", "cat/000.png")
    assert rows.labels.tolist() == ["NA", "cat", "cat", "cat", "dog", "dog"]  # no name is missing
    np.testing.assert_array_equal(rows.take([1, 5]), images[[0, 4]])


def test_a_flat_folder_with_a_table_of_labels(tmp_path):
    images = pictures()
    flat = folder(tmp_path / "flat", images)
    table = pd.DataFrame({"image": [f"{i:03d}" for i in (3, 0, 1, 2)], "what": list("daba")})
    table.to_csv(tmp_path / "labels.csv", index=False)
    rows = Rows.load(flat, labels=tmp_path / "labels.csv")
    assert rows.labels.tolist() == ["a", "b", "a", "d", None, None]
    assert Rows.load(flat).labels is None
    assert Rows.load(flat, labels=range(6)).labels.tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("entry", ["X", "x", "images", "anything"])
def test_arrays_and_their_files_are_the_same_rows(entry, tmp_path):
    images, y = pictures(), np.array([0, 1, 0, 1, 1, 0])
    np.savez(tmp_path / "a.npz", **{entry: images, "y": y})
    np.save(tmp_path / "a.npy", images)
    memory = Rows.load(images, labels=y)
    packed = Rows.load(tmp_path / "a.npz")
    single = Rows.load(tmp_path / "a.npy", labels=y)
    for rows in (packed, single):
        assert rows.content_hash == memory.content_hash
        np.testing.assert_array_equal(rows.take(range(6)), images)
        assert rows.labels.tolist() == y.tolist()


def test_batches_are_all_rows_in_order():
    rows = Rows.load(pictures(7))
    batches = list(rows.batches(3))
    assert [start for start, _ in batches] == [0, 3, 6]
    np.testing.assert_array_equal(np.concatenate([b for _, b in batches]), pictures(7))


def test_hashes_see_order_size_and_labels_apart():
    images = pictures()
    rows = Rows.load(images, labels=[0, 1] * 3)
    relabelled = Rows.load(images, labels=[1, 0] * 3)
    assert rows.inputs_hash == relabelled.inputs_hash
    assert rows.content_hash != relabelled.content_hash
    others = [Rows.load(images[::-1]), Rows.load(images, size=4), Rows.load(images[:5])]
    assert len({rows.inputs_hash, *(r.inputs_hash for r in others)}) == 4
    assert Rows.load(["ab", "c"]).inputs_hash != Rows.load(["a", "bc"]).inputs_hash


def test_pixels_become_area_averages():
    """A block of four equal quarters is averaged exactly, and no image has over 1,024 numbers."""
    image = np.zeros((1, 64, 64, 1), dtype=np.uint8)
    image[0, :32, :32] = 255
    raw = Rows.load(image).raw()
    assert raw.shape == (1, 1024)
    expected = np.zeros((32, 32))
    expected[:16, :16] = 1
    np.testing.assert_allclose(raw.reshape(32, 32), expected, atol=1e-6)
    for shape in [(1, 2000, 1), (480, 640, 3), (7, 5, 3), (1, 1, 4)]:
        images = np.full((2, *shape), 100, dtype=np.uint8)
        raw = Rows.load(images).raw()
        assert raw.shape[1] <= 1024
        np.testing.assert_allclose(raw, 100 / 255, rtol=1e-5)  # a mean keeps a constant


def test_area_averages_keep_the_mean_for_any_size():
    image = pictures(1, 37, 53).astype(np.float32)
    from negtransfer.diagnostics.models._pixels import area_average

    small = area_average(image, (5, 7))
    np.testing.assert_allclose(small.mean(axis=(1, 2)), image.mean(axis=(1, 2)), rtol=1e-5)


def test_images_of_different_sizes_are_brought_to_one(tmp_path):
    folder(tmp_path, pictures(2, 8, 8), ["a", "b"])
    Image.fromarray(pictures(1, 5, 9)[0]).save(tmp_path / "a" / "odd.png")
    rows = Rows.load(tmp_path)
    assert rows.take([0]).shape == (1, 224, 224, 3)
    assert "2 sizes" in rows.notices[0]
    assert Rows.load(tmp_path, size=(6, 4)).take([0, 1, 2]).shape == (3, 6, 4, 3)


def test_resizing_arrays_and_files_agree(tmp_path):
    smooth = np.linspace(0, 255, 32 * 32).reshape(1, 32, 32, 1).repeat(3, 3).astype(np.uint8)
    files = Rows.load(folder(tmp_path, smooth), size=12).take([0]).astype(int)
    array = Rows.load(smooth, size=12).take([0]).astype(int)
    assert np.abs(files - array).max() <= 1


def test_texts_from_lists_series_and_columns(tmp_path):
    words = ["a good film", "a bad film, really", "", "007"]
    frame = pd.DataFrame({"no": ["p", "q", "r", "s"], "text": words, "y": [1, 0, 1, 0]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    expected = Rows.load(words, labels=[1, 0, 1, 0], ids=["p", "q", "r", "s"])
    assert expected.kind == "texts"
    given = {"label": "y", "ids": "no", "text": "text"}
    for rows in (
        Rows.load(tmp_path / "t.csv", **given),
        Rows.load(tmp_path / "t.parquet", **given),
        Rows.load(frame, **given),
        Rows.load(frame["text"], labels=frame["y"], ids=frame["no"]),
    ):
        assert rows.content_hash == expected.content_hash
        assert rows.ids == expected.ids
        assert rows.take([3, 0]) == ["007", "a good film"]


def test_raw_texts_are_word_weights_reduced_where_there_are_many():
    few = Rows.load(["red apple", "green apple", "red car"])
    assert few.raw().shape == (3, 4)
    draw = np.random.default_rng(0)
    words = np.array([f"word{i}" for i in range(3000)])
    many = Rows.load([" ".join(draw.choice(words, 20)) for _ in range(400)])
    assert many.raw().shape == (400, 256)
    np.testing.assert_array_equal(many.raw(), many.raw())


def test_tables_are_what_any_domain_is():
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0, 3.0], "b": [1, 0, 1, 1], "y": list("uvuv")})
    rows = Rows.load(frame, label="y")
    assert (rows.kind, rows.labels.tolist()) == ("table", list("uvuv"))
    np.testing.assert_array_equal(rows.take([2, 0]), np.array([[4, 1], [1, 1]], dtype=np.float32))
    assert rows.raw().shape == (4, 2)
    np.testing.assert_allclose(rows.raw().mean(axis=0), 0, atol=1e-6)
    assert Rows.load(Domain.load(frame, label="y")).inputs_hash == rows.inputs_hash
    mixed = Rows.load(frame.assign(town=["x", "y", "x", "z"]), label="y", ids="a")
    assert mixed.ids == ("1", "2", "4", "3")
    assert list(mixed.take([0]).columns) == ["b", "town"]


@pytest.mark.parametrize("kind", ["images", "texts", "table"])
def test_raw_inputs_of_two_sets_share_their_columns(kind):
    one, other = {
        "images": (pictures(4, 40, 40), pictures(3, 50, 60)),
        "texts": (["red apple pie", "green tea"], ["a blue car", "red wine", "no"]),
        "table": (pd.DataFrame({"a": [1, 2, 4], "b": list("uvu")}),
                  pd.DataFrame({"a": [3, 9, 5], "b": list("vwv")})),
    }[kind]  # fmt: skip
    ours, theirs = Rows.load(one).raw_beside(Rows.load(other))
    assert ours.shape[1] == theirs.shape[1]
    assert (len(ours), len(theirs)) == (len(one), len(other))


def test_saved_features_have_no_inputs():
    rows = Rows.of_features(3, ids=["a", "b", "c"], labels=[0, 1, 1])
    assert (rows.kind, rows.named, rows.labels.tolist()) == ("features", True, [0, 1, 1])
    for ask in (rows.raw, lambda: rows.take([0])):
        with pytest.raises(InputError, match="holds features only"):
            ask()


def _no_images(path):
    (path / "notes.txt").write_text("x")
    return {"data": path}


def _one_class(path):
    return {"data": folder(path, pictures(3), ["cat"] * 3)}


def _beside_folders(path):
    folder(path, pictures(2), ["cat", "dog"])
    return {"data": folder(path, pictures(1))}


def _broken_image(path):
    folder(path, pictures(2), ["cat", "dog"])
    (path / "dog" / "evil\n\x1b[31m\u202e.png").write_bytes(b"\x89PNG no such thing")
    return {"data": path}


def _unknown_file(path):
    (path / "l.csv").write_text("file,y\n000.png,1\n999.png,0\n")
    return {"data": folder(path / "f", pictures(2)), "labels": path / "l.csv"}


def _no_file_column(path):
    (path / "l.csv").write_text("file,y\nu,1\nv,0\n")
    return {"data": folder(path / "f", pictures(2)), "labels": path / "l.csv", "label": "y"}


def _pickled(path):
    np.savez(path / "p.npz", X=np.array([{"a": 1}, None], dtype=object))
    return {"data": path / "p.npz"}


def _torn(path):
    np.savez(path / "c.npz", X=pictures(30))
    data = (path / "c.npz").read_bytes()
    (path / "c.npz").write_bytes(data[: len(data) // 2])
    return {"data": path / "c.npz"}


def _torn_npy(path):
    np.save(path / "c.npy", pictures(30))
    data = (path / "c.npy").read_bytes()
    (path / "c.npy").write_bytes(data[: len(data) // 2])
    return {"data": path / "c.npy"}


def _fresh(path):
    return {"data": path}


HOSTILE = {
    "empty folder": (_fresh, "holds no images"),
    "no images": (_no_images, "holds no images .it holds 1 other file"),
    "one class": (_one_class, "one sub-folder 'cat'"),
    "images beside folders": (_beside_folders, "beside sub-folders"),
    "broken image": (_broken_image, r"dog/evil\\n\\x1b\[31m\\u202e.png', which cannot be read"),
    "label of no image": (_unknown_file, "for 1 image that the folder does not hold"),
    "no column of names": (_no_file_column, "no column names an image"),
    "missing path": (lambda p: {"data": p / "nothing.npz"}, "does not exist"),
    "nul": (lambda p: {"data": "a\0b.npz"}, "NUL character"),
    "address": (lambda p: {"data": "https://x.org/a.npz"}, "nothing is read over the network"),
    "pickle": (_pickled, "pickled objects"),
    "torn npz": (_torn, "is damaged"),
    "torn npy": (_torn_npy, "is damaged"),
    "channels first": (lambda p: {"data": np.zeros((2, 3, 8, 8))}, "transpose"),
    "five axes": (lambda p: {"data": np.zeros((2, 3, 8, 8, 3)), "kind": "images"}, "shape"),
    "no pixels": (lambda p: {"data": np.zeros((0, 8, 8, 3))}, "without any pixel"),
    "nan pixels": (lambda p: {"data": np.full((2, 8, 8, 3), np.nan)}, "NaN or infinite"),
    "16 bit": (lambda p: {"data": np.full((2, 8, 8, 3), 999)}, "pixels from 999 to 999"),
    "complex": (lambda p: {"data": np.zeros((2, 8, 8, 3), complex)}, "give uint8 or float"),
    "size": (lambda p: {"data": pictures(), "size": "big"}, "was given the size"),
    "kind": (lambda p: {"data": pictures(), "kind": "sounds"}, "was given the kind 'sounds'"),
    "labels too short": (lambda p: {"data": pictures(), "labels": [1, 2]}, "6 rows but 2 labels"),
    "ids twice": (lambda p: {"data": pictures(2), "ids": ["a", "a"]}, "'a' more than once"),
    "ids too few": (lambda p: {"data": pictures(2), "ids": ["a"]}, "2 rows but 1 id"),
    "no texts": (lambda p: {"data": [], "kind": "texts"}, "no rows"),
    "half a text": (lambda p: {"data": ["a", None, 3]}, "2 rows without a text, such as None"),
    "lone surrogate": (lambda p: {"data": ["a", "\ud800"]}, "not valid Unicode"),
    "no such text": (lambda p: {"data": {"txt": ["a"], "y": [1]}, "text": "text"}, "did you mean"),
    "no such ids": (lambda p: {"data": {"a": [1.0, 2.0]}, "ids": "A"}, "did you mean 'a'"),
    "a set": (lambda p: {"data": {1, 2}}, "is of type 'set'"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_rows_get_one_sentence(case, tmp_path):
    make, words = HOSTILE[case]
    given = make(tmp_path)
    with pytest.raises(InputError, match=words) as caught:
        Rows.load(given.pop("data"), **given)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.isprintable()
    assert sentence.startswith("domain ")


def test_an_image_cut_short_is_named_when_it_is_decoded(tmp_path):
    folder(tmp_path, pictures(3, 60, 60), ["a", "a", "b"])
    file = tmp_path / "b" / "002.png"
    file.write_bytes(file.read_bytes()[:2000])
    rows = Rows.load(tmp_path)
    with pytest.raises(InputError, match=r"'b/002.png', which cannot be read .* is damaged"):
        list(rows.batches(2))


def test_texts_without_words_have_no_raw_inputs():
    with pytest.raises(InputError, match="without a single word"):
        Rows.load(["!", "?"]).raw()
