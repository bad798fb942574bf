package io.netpark.core.buffer;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * A member of a {@link LinkBuffer}'s chain: a part of a segment.
 *
 * <pre>
 *   0          start            end             segment's size
 *   | read      | to be read     | room           |
 * </pre>
 *
 * The bytes may be shared with other chains; the room is its segment's first owner's alone.
 */
final class Link {

    final Segment segment;
    /** The segment's, here because every access needs it. */
    final ByteBuffer memory;
    @Nullable Link next;
    int start;
    int end;
    /** Whether bytes may be added in the room. */
    private boolean growing;
    /** The room that is reserved for writing in place. */
    private @Nullable ByteBuffer reserved;

    /** Views handed out since the last release, and behind them some to hand out again. */
    private @Nullable ByteBuffer @Nullable [] views;
    private int viewCount;

    Link(Segment segment) {
        this.segment = segment;
        this.memory = segment.memory();
    }

    /** An empty link with all of the room, for a segment that was just taken. */
    static Link empty(Segment segment) {
        Link link = segment.link;
        link.next = null;
        link.start = 0;
        link.end = 0;
        link.growing = true;
        return link;
    }

    /** A link to bytes of a segment that others hold too; the reference is the caller's to give. */
    static Link shared(Segment segment, int start, int end) {
        Link link = new Link(segment);
        link.start = start;
        link.end = end;
        return link;
    }

    int size() {
        return end - start;
    }

    int room() {
        return growing ? memory.capacity() - end : 0;
    }

    /** Whether views of it are in somebody's hands. */
    boolean hasViews() {
        return viewCount > 0;
    }

    /**
     * Hands out a view. Made once and used again after {@link #revoke}, so that in the long run none is allocated; not
     * at the paranoid level, where a stale one must stay useless.
     */
    ByteBuffer view(int from, int to) {
        @Nullable ByteBuffer[] known = views;
        if (known == null) {
            known = views = new ByteBuffer[1];
        } else if (viewCount == known.length) {
            known = views = Arrays.copyOf(known, viewCount * 2);
        }
        ByteBuffer view = known[viewCount];
        if (view == null) {
            view = known[viewCount] = memory.duplicate();
        }
        viewCount++;
        return view.clear().limit(to).position(from).order(ByteOrder.BIG_ENDIAN);
    }

    /** A part of the room, to be written in place. */
    ByteBuffer reserve(int count) {
        ByteBuffer view = reserved;
        if (view == null) {
            view = reserved = memory.duplicate();
        }
        return view.clear().limit(end + count).position(end).order(ByteOrder.BIG_ENDIAN);
    }

    /** Ends a {@link #reserve}. */
    void unreserve() {
        if (reserved != null) {
            reserved.limit(0);
            if (segment.isParanoid()) {
                reserved = null;
            }
        }
    }

    /**
     * Makes the views that were handed out empty: code that still reads a view gets an exception instead of another's bytes. Views of
     * an abandoned segment stay, as its memory never becomes another's.
     */
    @SuppressWarnings("NullAway") // as many as are counted have been made
    void revoke() {
        if (segment.isAbandoned()) {
            return;
        }
        for (int i = 0; i < viewCount; i++) {
            ByteBuffer view = views[i];
            view.limit(0);
            if (segment.isParanoid()) {
                views[i] = null;
            }
        }
        viewCount = 0;
    }

    /** Views of it must stay what they are. */
    void abandonIfViewed() {
        if (hasViews()) {
            segment.abandon();
        }
    }

    /** Drops this link's hold on the segment. */
    void release() {
        next = null;
        revoke();
        segment.release();
    }
}
