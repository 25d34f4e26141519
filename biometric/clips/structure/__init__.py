"""Walk through a clip's file by its own lengths and counts, independent of the demuxer, and see whether it is whole."""
