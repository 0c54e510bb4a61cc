"""What the map of a sentence shows is what was measured."""

import numpy as np

from figure_tables import panels
from gradient_horizon.report.figures import sentences


def test_each_row_is_relative_to_its_largest():
    """Nothing is there above the diagonal: no word can learn from one that comes after it."""
    nothing = np.nan
    before = np.array([[-1.0, nothing, nothing], [-3.0, -2.0, nothing], [-9.0, -7.0, -5.0]])
    mapped = {
        "step": np.array([0, 9]),
        "log10_contribution": np.array([before, before - 1.0]),
        "words": np.array(["</s>", "a", "<unk>", "</s>"]),
    }
    figure = sentences.sentence_map(mapped)
    for panel in panels(figure):
        relative = [[0, nothing, nothing], [-1, 0, nothing], [-4, -2, 0]]
        np.testing.assert_array_equal(panel.images[0].get_array().filled(nothing), relative)
        read = [text.get_text() for text in panel.get_xticklabels()]
        assert read == ["⟨end⟩", "a", "⟨unknown⟩"]
    predicted = [text.get_text() for text in panels(figure)[0].get_yticklabels()]
    assert predicted == ["a", "⟨unknown⟩", "⟨end⟩"]
