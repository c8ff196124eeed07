"""Files of other systems become reference data and facts, by a mapping file that people can read."""

from jicai.imports.mapping import Mapping, MappingError, load_mapping
from jicai.imports.run import ImportReport, Rejection, run_import

__all__ = ["ImportReport", "Mapping", "MappingError", "Rejection", "load_mapping", "run_import"]
