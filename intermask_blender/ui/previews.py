"""Pictures in panels, loaded when they are first drawn."""

from __future__ import annotations

from pathlib import Path

import bpy.utils.previews


class Previews:
    """The pictures that were drawn so far. Close it before the add-on is disabled."""

    def __init__(self) -> None:
        """None loaded."""
        self._collection: bpy.utils.previews.ImagePreviewCollection | None = None

    def icon(self, path: Path) -> int:
        """Number of a picture for ``icon_value`` and ``template_icon``; 0 if there is no such file."""
        if self._collection is None:
            self._collection = bpy.utils.previews.new()
        name = str(path)
        if name not in self._collection:
            if not path.is_file():
                return 0
            self._collection.load(name, name, "IMAGE")
        return int(self._collection[name].icon_id)

    def close(self) -> None:
        """Release all pictures."""
        if self._collection is not None:
            bpy.utils.previews.remove(self._collection)
        self._collection = None
