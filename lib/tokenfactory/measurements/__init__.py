"""From files that somebody measured to points: readers, adapters, repairs, snapshots."""
