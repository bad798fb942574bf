package io.netpark.core.net.transfer;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.OwnedBuffer;
import java.util.ArrayList;
import java.util.List;

/**
 * Buffers of readers and writers, in the hands of one copy: what a reader has read ahead goes to the target first, and what the target
 * has not taken goes back there. Memory that a connection gives back when it is closed stays until the copy is over.
 *
 * <p>For Netpark's own adapters. Not thread safe.
 */
public final class HeldBuffers {

    private final List<OwnedBuffer> owners = new ArrayList<>(4);
    private final List<LinkBuffer> held = new ArrayList<>(4);

    /** Holds none. */
    public HeldBuffers() {}

    /** Takes one into the copy's hands, until {@link #drop}. */
    public LinkBuffer hold(OwnedBuffer owner) {
        LinkBuffer buffer = owner.hold();
        owners.add(owner);
        held.add(buffer);
        return buffer;
    }

    /** The copy is over, or has never begun. */
    public void drop() {
        for (int i = 0; i < held.size(); i++) {
            owners.get(i).drop(held.get(i));
        }
        held.clear();
        owners.clear();
    }
}
