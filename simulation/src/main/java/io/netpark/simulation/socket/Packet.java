package io.netpark.simulation.socket;

import io.netpark.simulation.description.Description;
import java.net.SocketAddress;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A message in a queue, or a piece of a unix stream. Its rights are held until it is received, or thrown away. */
final class Packet {

    private final byte[] bytes;
    private final @Nullable SocketAddress from;
    private List<Description> rights;
    private int start;

    Packet(byte[] bytes, @Nullable SocketAddress from, List<Description> rights) {
        this.bytes = bytes;
        this.from = from;
        this.rights = rights;
        rights.forEach(Description::acquire);
    }

    byte[] bytes() {
        return bytes;
    }

    /** Of a stream: the first byte that has not been read. */
    int start() {
        return start;
    }

    int length() {
        return bytes.length - start;
    }

    void drop(int count) {
        start += count;
    }

    @Nullable SocketAddress from() {
        return from;
    }

    boolean hasRights() {
        return !rights.isEmpty();
    }

    /** Gives the rights to who receives: of a look at the packet a copy of them. */
    List<Description> giveRights(boolean peek) {
        List<Description> given = rights;
        if (peek) {
            given.forEach(Description::acquire);
        } else {
            rights = List.of();
        }
        return given;
    }

    void throwAway() {
        giveRights(false).forEach(Description::release);
    }
}
