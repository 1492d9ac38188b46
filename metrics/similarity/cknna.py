"""Centred kernel nearest-neighbour alignment: CKA of near rows alone."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .._scores import Caution
from .._validation import Floats, Ints, RandomState, check_count
from ..registry import register
from ._judged import check_doubt, judged
from ._neighbour_lists import NeighbourMetric, Neighbours, membership
from ._neighbour_sides import neighbour_sides
from ._paired import SimilarityResult, no_value, outcome
