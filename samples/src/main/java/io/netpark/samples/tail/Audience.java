package io.netpark.samples.tail;

import io.netpark.callback.CallbackConnection;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * The clients. Each gets every line, unless it is so slow that more than the high-water mark is pending: then lines are skipped
 * for it, and it is told how many. So a client that does not read costs that much memory, and holds up nobody. On one event
 * loop, that of the {@link Follower}.
 */
final class Audience {

    private final Recent recent;
    private final int lines;
    private final Map<CallbackConnection, Place> places = new HashMap<>();

    /** What is known of a client. */
    private static final class Place {
        /** Lines since the last one that it got. */
        long skipped;
    }

    /** @param lines how many of the last lines a newcomer gets */
    Audience(Recent recent, int lines) {
        this.recent = recent;
        this.lines = lines;
    }

    void add(CallbackConnection client) {
        if (!client.isOpen()) {
            return; // its removal has been here already
        }
        places.put(client, new Place());
        write(client, recent.last(lines));
    }

    void remove(CallbackConnection client) {
        places.remove(client);
    }

    /** Lines have been added to the file. */
    void send(ByteBuffer block) {
        recent.add(block);
        int start = block.position();
        places.forEach((client, place) -> {
            catchUp(client);
            if (client.isWritable()) {
                write(client, block.position(start));
            } else {
                place.skipped += count(block, start);
            }
        });
        block.position(block.limit());
    }

    /** A client may take more: if lines have been skipped, it learns that now. */
    void catchUp(CallbackConnection client) {
        Place place = places.get(client);
        if (place != null && place.skipped > 0 && client.isWritable()) {
            String note = "-- " + place.skipped + " lines skipped: this client reads too slowly --\n";
            place.skipped = 0;
            write(client, ByteBuffer.wrap(note.getBytes(StandardCharsets.US_ASCII)));
        }
    }

    private static int count(ByteBuffer block, int start) {
        int count = 0;
        for (int i = start; i < block.limit(); i++) {
            count += block.get(i) == '\n' ? 1 : 0;
        }
        return count;
    }

    private static void write(CallbackConnection client, ByteBuffer bytes) {
        try {
            client.write(bytes);
        } catch (NetparkException.Closed e) {
            // It has just gone, and is about to be removed.
        }
    }
}
