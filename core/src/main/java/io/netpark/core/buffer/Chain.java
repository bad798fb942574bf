package io.netpark.core.buffer;

import org.jspecify.annotations.Nullable;

/**
 * The links of a {@link LinkBuffer}, and what keeps them in order: every link but the last has something to be read.
 *
 * <pre>
 *    held ----> [read, with views]                    until release()
 *
 *    head ----> [ .. to be read | ] -> [to be read] -> [to be read | room ] &lt;---- tail
 * </pre>
 */
@SuppressWarnings("NullAway") // there are links where there are bytes, or is a reservation: who knows of some does not ask for null
abstract sealed class Chain permits SearchableChain {

    final SegmentPool pool;

    @Nullable Link head;
    @Nullable Link tail;
    /** Links that have been read and whose views are still valid, the last one first. */
    @Nullable Link held;
    long heldBytes;
    /** Bytes from head to tail. */
    long size;
    /** Bytes ever written: with {@link #size}, the position in the stream. */
    long written;
    /** How much of the tail's room is reserved; -1 for nothing. */
    int reserved = -1;
    boolean closed;

    Chain(SegmentPool pool) {
        this.pool = pool;
    }

    final void addLink(Link link) {
        Link last = tail;
        if (last == null) {
            head = link;
        } else {
            last.next = link;
        }
        tail = link;
    }

    /** The first link has nothing more to read. */
    final void retireHead() {
        do {
            Link link = head;
            assert link != null;
            if (link == tail && reserved >= 0) {
                return;
            }
            head = link.next;
            if (head == null) {
                tail = null;
            }
            if (link.hasViews()) {
                hold(link);
            } else {
                link.release();
            }
        } while (head != null && head.size() == 0);
    }

    private void hold(Link link) {
        link.next = held;
        held = link;
        heldBytes += link.memory.capacity();
    }

    final void require(long count, String operation) {
        if (count < 0 || count > size) {
            throw new IndexOutOfBoundsException(operation + "(" + count + "): "
                    + (closed ? "the buffer has been closed" : "there are " + size + " bytes"));
        }
    }

    /** Sees to it that the first {@code count} bytes, which exist, are in one link. */
    final Link inOnePiece(int count) {
        Link first = head;
        if (first.size() >= count) {
            return first;
        }
        Link whole = Link.empty(pool.takeBeyondLimit(count));
        int missing = count;
        while (missing > 0) {
            Link link = head;
            int part = Math.min(missing, link.size());
            whole.memory.put(whole.end, link.memory, link.start, part);
            whole.end += part;
            link.start += part;
            missing -= part;
            if (link.size() == 0) {
                retireHead();
            }
        }
        whole.next = head;
        head = whole;
        if (tail == null) {
            tail = whole;
        }
        return whole;
    }

    final void took(Link first, int count) {
        first.start += count;
        size -= count;
        if (first.start == first.end) {
            retireHead();
        }
    }

    /** Takes the first link out, or, if views of it are out, another link to its bytes. */
    final Link giveAway(Link first) {
        int length = first.size();
        if (first.hasViews()) {
            Link shared = Link.shared(first.segment, first.start, first.end);
            first.segment.retain();
            took(first, length);
            return shared;
        }
        head = first.next;
        if (head == null) {
            tail = null;
        }
        first.next = null;
        size -= length;
        if (head != null && head.size() == 0) {
            retireHead();
        }
        return first;
    }

    final void added(Link last, int count) {
        last.end += count;
        size += count;
        written += count;
    }

    /** Gives a reservation up. Its link must not stay as an empty head: what is added behind it would be read from it. */
    final void unreserve() {
        if (reserved >= 0) {
            reserved = -1;
            tail.unreserve();
            dropIfEmpty();
        }
    }

    /** A last link that has room and no bytes must not come to lie between others. There are some bytes. */
    final void dropEmptyTail() {
        Link last = tail;
        if (last.size() == 0) {
            Link before = head;
            while (before.next != last) {
                before = before.next;
            }
            before.next = null;
            tail = before;
            last.release();
        }
    }

    /** An empty buffer holds no memory. */
    final void dropIfEmpty() {
        if (size == 0 && head != null) {
            retireHead();
        }
    }
}
