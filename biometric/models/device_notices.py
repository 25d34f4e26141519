"""What people should know about what models run on. Loads no library."""

from biometric.entities import Notice, NoticeCode
from biometric.ports import Detector, Embedder


def device_notices(detector: Detector | None, embedder: Embedder | None, wanted: str) -> list[Notice]:
    """Say where models do not run on the device that was wanted ("cpu", "cuda", …); None: not loaded."""
    notices = [
        Notice(NoticeCode.DEVICE_FAILED, device=wanted)
        for model in (detector, embedder)
        if getattr(model, "failure", None) is not None
    ][:1]
    runs_on_cpu = detector is not None and wanted != "cpu" and detector.device.startswith("CPU")
    if detector is not None and runs_on_cpu and getattr(detector, "failure", None) is None:
        notices.append(Notice(NoticeCode.DETECTOR_ON_CPU, detector=detector.name))
    return notices
