"""From a clip to observations: decode, detect, track, select, embed."""
