"""Whose uploads are remembered after their end, and for how long."""

from biometric.ui.upload_progress import FINISHED_KEPT, MOST_FINISHED, UploadProgresses


def test_an_upload_that_ended_a_moment_ago_is_found_by_its_sender_alone() -> None:
    now = [0.0]
    uploads = UploadProgresses(lambda: now[0])
    progress = uploads.begin("mine", "abc")
    assert uploads.find("mine", "abc") is progress
    assert uploads.find("another's", "abc") is None
    uploads.end("mine", "abc", progress)
    found = uploads.find("mine", "abc")
    assert found is progress
    assert found.done
    assert uploads.find("another's", "abc") is None
    now[0] = FINISHED_KEPT + 1
    assert uploads.find("mine", "abc") is None
    assert len(uploads) == 0


def test_uploads_without_a_word_or_with_one_in_use_are_not_told_of() -> None:
    uploads = UploadProgresses()
    uploads.end("mine", "", uploads.begin("mine", ""))
    assert uploads.find("mine", "") is None
    first, second = uploads.begin("mine", "abc"), uploads.begin("mine", "abc")
    uploads.end("mine", "abc", second)
    assert uploads.find("mine", "abc") is first
    uploads.end("mine", "abc", first)
    again = uploads.begin("mine", "abc")
    assert uploads.find("mine", "abc") is again


def test_a_bounded_number_is_remembered() -> None:
    uploads = UploadProgresses(lambda: 0.0)
    running = uploads.begin("mine", "running")
    for number in range(MOST_FINISHED + 50):
        uploads.end("mine", str(number), uploads.begin("mine", str(number)))
    assert len(uploads) == MOST_FINISHED + 1
    assert uploads.find("mine", "running") is running
    assert uploads.find("mine", "0") is None
    assert uploads.find("mine", str(MOST_FINISHED + 49)) is not None
