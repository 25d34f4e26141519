"""What Gradio is told of every handler of the page."""

from tests.ui.test_tabs import Desk, desk

__all__ = ["desk"]


def test_no_handler_of_the_page_has_an_overlay_not_even_a_hidden_one(desk: Desk) -> None:
    dependencies = desk.interface.blocks.config["dependencies"]
    private = [one for one in dependencies if one["backend_fn"] and one["api_visibility"] == "private"]
    assert len(private) > 50
    for one in private:
        if any(event == "unload" for _, event in one["targets"]):
            continue
        assert (one["show_progress"], one["show_progress_on"]) == ("hidden", []), one["targets"]
