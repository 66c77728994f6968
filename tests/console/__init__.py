"""The pages as files: served with a strict policy, built from a lock without addresses."""
