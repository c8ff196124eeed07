"""A simulated province: its places, its companies' characters, a story of orders, and its playing."""

from jicai.province.play import PlayReport, play
from jicai.province.story import Moment, Story, write_story

__all__ = ["Moment", "PlayReport", "Story", "play", "write_story"]
