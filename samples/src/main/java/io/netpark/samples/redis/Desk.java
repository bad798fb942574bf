package io.netpark.samples.redis;

import java.nio.ByteBuffer;

/** What the connections of one event loop share, as it serves one at a time: room to parse in, and the answers. */
final class Desk {

    private static final ThreadLocal<Desk> OF_THIS_LOOP = ThreadLocal.withInitial(Desk::new);

    private final Answers answers = new Answers();
    private byte[] room = new byte[64 * 1024];

    private Desk() {}

    static Desk ofThisLoop() {
        return OF_THIS_LOOP.get();
    }

    Answers answers() {
        return answers;
    }

    /** The bytes of a buffer as an array: its own, or a copy. Parsing an array byte by byte is worth that. */
    byte[] array(ByteBuffer in) {
        if (in.hasArray()) {
            return in.array();
        }
        if (room.length < in.remaining()) {
            room = new byte[in.remaining()];
        }
        in.get(in.position(), room, 0, in.remaining());
        return room;
    }

    /** Where in {@link #array} the unread bytes begin. */
    int start(ByteBuffer in) {
        return in.hasArray() ? in.arrayOffset() + in.position() : 0;
    }
}
