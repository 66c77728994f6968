"""The published figures of two real bureaus, from the single events such a bureau would have sent."""
