"""Which base weights a fingerprint speaks of."""

import pytest

from wolfnote.models.fingerprint import weights_of


@pytest.mark.parametrize(
    "name", ["abc", "abc@bfloat16", "abc+def", "abc@4-bit+def", "abc@4-bit+def|ablate:1", "abc|steer:1@2+3"]
)
def test_precision_adapter_and_interventions_do_not_change_the_base(name: str) -> None:
    """Whatever is put on top, the base is the same."""
    assert weights_of(name) == "abc"
