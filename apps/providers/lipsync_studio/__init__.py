"""lipsync.studio: https://lipsync.studio (its API page is seed 003)."""
