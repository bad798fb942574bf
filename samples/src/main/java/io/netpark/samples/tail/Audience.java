package io.netpark.samples.tail;

import io.netpark.callback.CallbackConnection;
import io.netpark.core.sys.NetparkException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * The clients. Each gets every line, and gets it whole, unless it is so slow that more than the high-water mark is pending: then
 * lines are skipped for it, and it is told how many, and whether the last one that it has got is cut. It goes on with the next
 * line that begins. So a client that does not read costs that much memory, and holds up nobody. On one event loop, that of the
 * {@link Follower}.
 */
final class Audience {

    private final Recent recent;
    private final int lines;
    private final Map<CallbackConnection, Place> places = new HashMap<>();
    /** Whether what has been sent so far ends in the midst of a line: a long one comes in pieces. */
    private boolean inLine;

    /** What is known of a client. */
    private static final class Place {
        /** Whether it gets nothing before another line begins. */
        boolean isBehind;
        /** Whether it has got the beginning of a line, and not the rest. */
        boolean isCut;
        /** Lines that have ended meanwhile; -1 if it fell behind in the midst of one, whose end is not another line. */
        long skipped;

        void fallBehind(boolean inLine) {
            isBehind = true;
            skipped = inLine ? -1 : 0;
        }
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
        Place place = new Place();
        places.put(client, place);
        ByteBuffer last = recent.last(lines);
        if (inLine && !last.hasRemaining()) {
            place.fallBehind(true); // the beginning of the line is not kept any more: the next one is its first
        }
        write(client, last);
    }

    void remove(CallbackConnection client) {
        places.remove(client);
    }

    /** Lines have been added to the file, or a piece of a long one. */
    void send(ByteBuffer block) {
        recent.add(block);
        int start = block.position();
        int firstLine = inLine ? lineAfter(block, start) : start;
        boolean endsLine = block.get(block.limit() - 1) == '\n';
        places.forEach((client, place) -> {
            if (!place.isBehind) {
                if (client.isWritable()) {
                    write(client, block.position(start));
                    return;
                }
                place.fallBehind(inLine);
                place.isCut = inLine;
            } else if (client.isWritable() && firstLine < block.limit()) {
                place.skipped += count(block, start, firstLine);
                goOn(client, place);
                write(client, block.position(firstLine));
                return;
            }
            place.skipped += count(block, start, block.limit());
            if (endsLine && client.isWritable()) {
                goOn(client, place); // it has waited for that end only
            }
        });
        inLine = !endsLine;
        block.position(block.limit());
    }

    /** A client may take more: if lines have been skipped, it learns that now. In the midst of a line it is not over yet. */
    void catchUp(CallbackConnection client) {
        Place place = places.get(client);
        if (place != null && place.isBehind && !inLine && client.isWritable()) {
            goOn(client, place);
        }
    }

    /** Here a line begins. */
    private static void goOn(CallbackConnection client, Place place) {
        String what = (place.isCut ? "the rest of that line" : "")
                + (place.isCut && place.skipped > 0 ? " and " : "")
                + (place.skipped > 0 ? place.skipped + " lines" : "");
        if (!what.isEmpty()) {
            String note = (place.isCut ? "\n" : "") + "-- " + what + " skipped: this client reads too slowly --\n";
            write(client, ByteBuffer.wrap(note.getBytes(StandardCharsets.US_ASCII)));
        }
        place.isBehind = false;
        place.isCut = false;
    }

    /** Where the next line begins; the limit if it does not begin here. */
    private static int lineAfter(ByteBuffer block, int start) {
        int at = start;
        while (at < block.limit() && block.get(at) != '\n') {
            at++;
        }
        return Math.min(at + 1, block.limit());
    }

    private static int count(ByteBuffer block, int start, int end) {
        int count = 0;
        for (int i = start; i < end; i++) {
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
