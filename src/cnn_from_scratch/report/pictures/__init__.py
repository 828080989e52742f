"""The pictures, each a matplotlib figure made from what the stages wrote."""
