"""What the handles of one process share: threads, decoded chunks, news of resized arrays."""
