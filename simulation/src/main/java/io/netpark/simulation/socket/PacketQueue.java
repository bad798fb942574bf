package io.netpark.simulation.socket;

import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.IoVector;
import java.util.ArrayDeque;
import java.util.Deque;

/** The messages that wait in a socket to be received, or the pieces of a stream. */
final class PacketQueue {

    private final Deque<Packet> packets = new ArrayDeque<>();
    private int bytes;

    boolean isEmpty() {
        return packets.isEmpty();
    }

    int count() {
        return packets.size();
    }

    /** Of all packets; a piece of a stream counts until the last of it is read, as its memory is free only then. */
    int bytes() {
        return bytes;
    }

    void add(Packet packet) {
        packets.add(packet);
        bytes += packet.bytes().length;
    }

    private void remove() {
        bytes -= packets.remove().bytes().length;
    }

    /** Receives the first message, and cuts it to the room that there is. Returns what recvmsg(2) does. */
    int receiveMessage(IoVector into, int flags, Envelope envelope) {
        Packet packet = packets.peek();
        if (packet == null) {
            throw new Failure(Errno.EAGAIN);
        }
        boolean peek = (flags & Linux.MSG_PEEK) != 0;
        int count = into.put(packet.bytes(), 0, packet.length());
        envelope.address = packet.from();
        envelope.rights = packet.giveRights(peek);
        if (count < packet.length()) {
            envelope.flags |= Linux.MSG_TRUNC;
        }
        if (!peek) {
            remove();
        }
        return (flags & Linux.MSG_TRUNC) != 0 ? packet.length() : count;
    }

    /** Receives bytes of a stream, up to descriptors that came with them (unix(7)). */
    int receiveBytes(IoVector into, boolean peek, Envelope envelope) {
        int done = 0;
        for (Packet packet : peek ? packets : new ArrayDeque<>(packets)) {
            int count = into.put(packet.bytes(), packet.start(), packet.length());
            envelope.address = packet.from();
            done += count;
            boolean last = packet.hasRights() || into.remaining() == 0;
            if (packet.hasRights()) {
                envelope.rights = packet.giveRights(peek);
            }
            if (!peek) {
                packet.drop(count);
                if (packet.length() == 0) {
                    remove();
                }
            }
            if (last) {
                break;
            }
        }
        return done;
    }

    void clear() {
        packets.forEach(Packet::throwAway);
        packets.clear();
        bytes = 0;
    }
}
