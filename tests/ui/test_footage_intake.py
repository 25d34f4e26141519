"""How footage comes in besides an upload: dropped on the clip that is there, two at once, and by a camera."""

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.ui.serving import Server
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser

DROP = """([place, files]) => {
  const data = new DataTransfer();
  for (const [name, content] of files) {
    data.items.add(new File([Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))], name));
  }
  const target = document.querySelector(place);
  return ['dragenter', 'dragover', 'drop'].map((kind) => {
    const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
    target.dispatchEvent(event);
    return event.defaultPrevented;
  });
}"""


NO_CAMERA = """
navigator.mediaDevices.enumerateDevices = async () => [{ kind: 'videoinput', deviceId: 'a', label: 'a' }];
MediaDevices.prototype.getUserMedia = async () => { throw new DOMException('no', 'NAME'); };
"""


def drop(visitor: Visitor, place: str, *files: Path) -> list[bool]:
    sent = [[file.name, base64.b64encode(file.read_bytes()).decode()] for file in files]
    prevented: list[bool] = visitor.page.evaluate(DROP, [place, sent])
    return prevented


def test_a_file_dropped_on_the_clip_takes_its_place(visitor: Visitor, clips: dict[str, Path]) -> None:
    visitor.upload(clips["one"])
    visitor.opened()
    prevented = drop(visitor, ".sl-card", clips["other"])
    visitor.page.wait_for_selector(".sl-clip >> text=other.mp4")
    assert prevented[1:] == [True, True], "or the browser leaves the page for the file"


def test_of_two_files_at_once_none_is_taken(visitor: Visitor, clips: dict[str, Path]) -> None:
    drop(visitor, "#enrollment-video button", clips["one"], clips["other"])
    words = visitor.page.locator("#enrollment-intake [role=alert]", has_text="One clip at a time")
    words.wait_for()
    visitor.settle()
    assert not visitor.page.locator(".sl-clip:visible").count()
    visitor.upload(clips["one"])
    visitor.opened()
    words.wait_for(state="hidden")


@pytest.mark.parametrize(
    ("error", "words"), [("NotAllowedError", "No permission"), ("NotReadableError", "in use"), ("", "No camera found")]
)
def test_a_camera_that_cannot_be_used_is_told(chromium: Any, server: Server, error: str, words: str) -> None:
    visitor = Visitor(chromium, server.url)
    if error:
        visitor.page.add_init_script(NO_CAMERA.replace("NAME", error))
        visitor.page.reload()
        visitor.page.wait_for_selector("#enrollment-submit")
    visitor.page.get_by_text("Record with the webcam").first.click()
    visitor.page.get_by_text("Click to Access Webcam").first.click()
    visitor.page.locator("#enrollment-intake [role=alert]", has_text=words).wait_for()
    visitor.page.wait_for_timeout(1000)
    visitor.errors.clear()  # Gradio's recorder leaves the refusal unhandled
    visitor.close()


def test_on_a_telephone_the_camera_comes_first(chromium: Any, server: Server, clips: dict[str, Path]) -> None:
    visitor = Visitor(chromium, server.url, 390)
    camera = visitor.page.locator(".sl-capture:visible")
    assert camera.bounding_box()["y"] < visitor.page.locator("#enrollment-video").bounding_box()["y"]
    camera.locator("input").set_input_files(clips["one"])
    visitor.opened()
    visitor.close()
