package io.netpark.bench.zerocopy;

import io.netpark.bench.server.Console;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.fd.Descriptor;
import io.netpark.core.fd.Direction;
import io.netpark.core.fd.Waiter;
import io.netpark.core.loop.EventLoopGroup;
import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.options.NetOptions;
import io.netpark.core.net.streams.ConnectionDescriptor;
import io.netpark.core.net.zerocopy.ZeroCopy;
import io.netpark.core.sys.NetparkException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Locale;

/**
 * The sender's process: {@code Blast HOST}, a {@link Console}. A connection asks for a size and for whether it is to be copied, an
 * int each, and gets buffers of that size for as long as it reads. They are linked, and used in turns, so that none is in a cache.
 *
 * <pre>
 *   copy SIZE      nanoseconds that it takes to copy a GB of such buffers in turns
 *   count          sends that lent their bytes on the last connection, those that were copied, and those that were refused
 * </pre>
 */
public final class Blast implements Waiter {

    /** Of the buffers of a connection: more than is on loan at a time. */
    private static final int MEMORY = 32 << 20;
    /** Before others on the loop have their turn: the kernel's notices. */
    private static final int WRITES_A_TURN = 16;
    private static final long GIGABYTE = 1_000_000_000;

    private static volatile ZeroCopy.Count last = new ZeroCopy.Count(0, 0, 0, 0, false);

    private final ConnectionDescriptor connection;
    private final ByteBuffer request = ByteBuffer.allocateDirect(2 * Integer.BYTES);
    private final LinkBuffer output = new LinkBuffer(SegmentPool.shared());
    private final ArrayDeque<ByteBuffer> free = new ArrayDeque<>();
    private boolean asked;
    private boolean parked;
    private boolean starving;

    private Blast(ConnectionDescriptor connection) {
        this.connection = connection;
    }

    /** Serves. */
    public static void main(String[] arguments) throws Exception {
        EventLoopGroup group = EventLoopGroup.builder().loops(1).open();
        ListenerDescriptor listener = ListenerDescriptor.listen(group, new InetSocketAddress(arguments[0], 0), NetOptions.DEFAULT, null);
        group.first().execute(new Accepting(listener)::start);
        Console.run(((InetSocketAddress) listener.localAddress()).getPort(), words -> switch (words[0]) {
            case "copy" -> Long.toString(copy(Integer.parseInt(words[1])));
            case "count" -> String.format(Locale.ROOT, "%d %d %d", last.sends(), last.copied(), last.refused());
            default -> "unknown command: " + words[0];
        });
    }

    private static final class Accepting implements Waiter {
        private final ListenerDescriptor listener;

        Accepting(ListenerDescriptor listener) {
            this.listener = listener;
        }

        void start() {
            accept(false);
        }

        @Override
        public void run() {
            accept(true);
        }

        private void accept(boolean again) {
            try {
                while (true) {
                    ConnectionDescriptor connection = again ? listener.retryAccept() : listener.startAccept();
                    again = connection == null;
                    if (connection != null) {
                        connection.loop().execute(new Blast(connection)::run);
                    } else if (listener.park(Direction.READ, this)) {
                        return;
                    }
                }
            } catch (NetparkException e) {
                throw new IllegalStateException(e);
            }
        }
    }

    private static long copy(int size) {
        ByteBuffer[] buffers = new ByteBuffer[MEMORY / size];
        for (int i = 0; i < buffers.length; i++) {
            buffers[i] = filled(size);
        }
        ByteBuffer target = ByteBuffer.allocateDirect(MEMORY);
        long best = Long.MAX_VALUE;
        for (int round = 0; round < 5; round++) {
            long from = System.nanoTime();
            long copied = 0;
            for (int i = 0; copied < GIGABYTE; i++, copied += size) {
                target.put(i % buffers.length * size, buffers[i % buffers.length], 0, size);
            }
            best = Math.min(best, System.nanoTime() - from);
        }
        return best;
    }

    private static ByteBuffer filled(int size) {
        ByteBuffer buffer = ByteBuffer.allocateDirect(size);
        for (int i = 0; i < size; i++) {
            buffer.put(i, (byte) i); // so that each page is one of its own
        }
        return buffer;
    }

    @Override
    public void run() {
        try {
            if (!asked) {
                ask();
            }
            for (int writes = 0; asked; writes++) {
                if (!parked && !hasNext(writes)) {
                    return;
                }
                parked = (parked ? connection.retryWrite(output) : connection.startWrite(output)) == Descriptor.PARK;
                if (parked && connection.park(Direction.WRITE, this)) {
                    return;
                }
            }
        } catch (NetparkException e) { // the receiver has enough
            last = connection.zeroCopyCount();
            output.close();
            connection.close();
        }
    }

    private boolean hasNext(int writes) throws NetparkException {
        if (writes == WRITES_A_TURN) {
            connection.loop().execute(this::run);
            return false;
        }
        ByteBuffer next = free.poll();
        starving = next == null;
        if (next != null) {
            output.link(next.clear(), () -> released(next));
        }
        return next != null;
    }

    private void released(ByteBuffer buffer) {
        free.add(buffer);
        if (starving) {
            starving = false;
            run();
        }
    }

    private void ask() throws NetparkException {
        int read = parked ? connection.retryRead(request) : connection.startRead(request);
        parked = read == Descriptor.PARK;
        if (parked) {
            if (!connection.park(Direction.READ, this)) {
                connection.loop().execute(this::run);
            }
            return;
        }
        int size = request.getInt(0);
        if (request.getInt(Integer.BYTES) == 0) {
            connection.setZeroCopy(ZeroCopy.from(1).withPatience(Integer.MAX_VALUE));
        }
        for (int i = 0; i < MEMORY / size; i++) {
            free.add(filled(size));
        }
        asked = true;
    }
}
