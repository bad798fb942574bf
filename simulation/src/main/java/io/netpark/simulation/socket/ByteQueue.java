package io.netpark.simulation.socket;

import io.netpark.simulation.description.IoVector;

/** Bytes in the order in which they came. */
final class ByteQueue {

    private byte[] ring = new byte[0];
    private int head;
    private int size;

    int size() {
        return size;
    }

    boolean isEmpty() {
        return size == 0;
    }

    /** Adds bytes, {@code most} of them at most; returns how many. */
    int add(IoVector from, int most) {
        int count = Math.min(most, from.remaining());
        reserve(count);
        for (int done = 0; done < count; ) {
            int tail = head + size & ring.length - 1;
            int some = Math.min(count - done, ring.length - tail);
            from.take(ring, tail, some);
            size += some;
            done += some;
        }
        return count;
    }

    /** Moves the first bytes of another queue to this. */
    void add(ByteQueue from, int count) {
        for (int left = count; left > 0; ) {
            int some = Math.min(left, from.ring.length - from.head);
            add(IoVector.of(from.ring, from.head, some), some);
            from.drop(some);
            left -= some;
        }
    }

    /** Copies the first bytes; returns how many. */
    int peek(IoVector into) {
        int count = Math.min(size, into.remaining());
        int first = Math.min(count, ring.length - head);
        into.put(ring, head, first);
        into.put(ring, 0, count - first);
        return count;
    }

    /** Forgets the first bytes. */
    void drop(int count) {
        size -= count;
        head = size == 0 ? 0 : head + count & ring.length - 1;
    }

    void clear() {
        drop(size);
    }

    private void reserve(int count) {
        if (size + count > ring.length) {
            int length = Math.max(1024, Integer.highestOneBit(Math.max(1, size + count - 1)) * 2);
            byte[] larger = new byte[length];
            int first = Math.min(size, ring.length - head);
            System.arraycopy(ring, head, larger, 0, first);
            System.arraycopy(ring, 0, larger, first, size - first);
            ring = larger;
            head = 0;
        }
    }
}
