"""MEASURE: metrics where the data is. Engines only measure; judging is core's."""
