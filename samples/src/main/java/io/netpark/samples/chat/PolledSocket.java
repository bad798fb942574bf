package io.netpark.samples.chat;

import io.netpark.callback.poller.Events;
import io.netpark.callback.poller.ReadinessHandler;
import io.netpark.callback.poller.Watch;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.buffer.SegmentPool;
import io.netpark.core.linux.Linux;
import io.netpark.core.sys.Errno;
import io.netpark.core.sys.LibC;
import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.OpenDescriptor;
import io.netpark.samples.websocket.Arrival;
import io.netpark.samples.websocket.CloseCode;
import io.netpark.samples.websocket.Frames;
import io.netpark.samples.websocket.Handshake;
import io.netpark.samples.websocket.MessageParser;
import io.netpark.samples.websocket.Refusal;
import io.netpark.samples.websocket.RequestHead;
import io.netpark.samples.websocket.WebSocketFailure;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;

/**
 * A client of {@link PolledEcho}. Watched for reading as long as all answers have been taken, for writing otherwise: so a client
 * that never reads is not read either.
 *
 * <p>What workers do is under the monitor, which nobody has to wait for but at the end: a one-shot watch reports once. The event
 * loop never takes it: a worker that has it may be waiting for the loop, in {@code stop}.
 */
final class PolledSocket implements ReadinessHandler {

    private static final int MESSAGE_LIMIT = 64 * 1024;
    /** Then other clients have their turn. */
    private static final int READS_A_TURN = 16;
    private static final Watch AWAITS_BYTES = Watch.READ.oneShot();
    private static final Watch AWAITS_ROOM = Watch.WRITE.oneShot();
    /** For the request, and for the client's part of closing. */
    private static final long PATIENCE = TimeUnit.SECONDS.toNanos(5);

    private final PolledEcho server;
    private final LibC libc;
    private final OpenDescriptor descriptor;
    private final LinkBuffer input = new LinkBuffer(SegmentPool.shared());
    private final LinkBuffer output = new LinkBuffer(SegmentPool.shared());
    private final MessageParser parser = new MessageParser(MESSAGE_LIMIT, SegmentPool.shared());

    private boolean upgraded;
    /** The last of our bytes are in the output, or sent: what comes now is read and dropped. */
    private boolean ending;
    private boolean outputShut;
    private boolean closed;
    /** When a byte has moved last, either way, or this has begun or begun to end. */
    private long movedAt = System.nanoTime();
    /** Whether it has been asked if it is there, and not a byte has come since. */
    private boolean asked;

    PolledSocket(PolledEcho server, int fd) {
        this.server = server;
        this.libc = server.libc();
        this.descriptor = OpenDescriptor.of(libc, fd);
    }

    OpenDescriptor descriptor() {
        return descriptor;
    }

    /** On the loop. */
    @Override
    public void ready(OpenDescriptor descriptor, Events events) {
        server.hand(events.isPollerClosed() ? this::close : this::serve);
    }

    // What workers do

    private synchronized void serve() {
        if (closed) {
            return;
        }
        try {
            boolean more = flush();
            for (int i = 0; more && i < READS_A_TURN; i++) {
                more = read();
                if (more) {
                    answer();
                    more = flush();
                }
            }
            if (!closed) {
                watch();
            }
        } catch (IOException e) {
            close(); // it has gone, or there is no memory for it
        }
    }

    /** Once; false if nothing has come. Closes at the end of the stream. */
    private boolean read() throws IOException {
        while (true) {
            long address = input.openRoom();
            long count = libc.recv(descriptor.number(), address, input.roomSize(), 0);
            input.filled((int) Math.max(count, 0));
            if (count > 0) {
                heard();
                return true;
            }
            if (count == 0) {
                close();
                return false;
            }
            if (count == -Errno.EAGAIN) {
                return false;
            }
            if (count != -Errno.EINTR) {
                throw NetparkException.of((int) -count, "recv from " + descriptor);
            }
        }
    }

    /** Sends what the kernel takes; false if that was not all. */
    private boolean flush() throws IOException {
        while (output.available() > 0) {
            long count = libc.send(descriptor.number(), output.firstAddress(), output.firstLength(), Linux.MSG_NOSIGNAL);
            if (count > 0) {
                output.skip(count);
                taken();
            } else if (count == -Errno.EAGAIN) {
                return false;
            } else if (count != -Errno.EINTR) {
                throw NetparkException.of((int) -count, "send to " + descriptor);
            }
        }
        if (ending && !outputShut) {
            // The client closes now; if this did, with bytes unread, that would be a reset, which can overtake the goodbye.
            outputShut = true;
            libc.shutdown(descriptor.number(), Linux.SHUT_WR);
        }
        return true;
    }

    private void heard() {
        if (!ending) {
            movedAt = System.nanoTime();
            asked = false;
        }
    }

    /** That the kernel takes a ping says nothing about the client. */
    private void taken() {
        if (!ending && !asked) {
            movedAt = System.nanoTime();
        }
    }

    private void watch() throws NetparkException {
        server.poller().change(descriptor, output.available() > 0 ? AWAITS_ROOM : AWAITS_BYTES);
    }

    // The protocol

    private void answer() throws IOException {
        try {
            if (!ending && !upgraded) {
                upgraded = upgrade();
            }
            while (!ending && upgraded) {
                Arrival arrival = parser.next(input);
                if (arrival == null) {
                    return;
                }
                answer(arrival);
            }
        } catch (Refusal e) {
            end(e.response());
        } catch (WebSocketFailure e) {
            end(Frames.closeFrame(e.getCode(), String.valueOf(e.getMessage())));
        }
        if (ending) {
            input.skip(input.available());
        }
    }

    private boolean upgrade() throws IOException {
        ByteBuffer head;
        try {
            head = input.takeUntil(RequestHead.END, RequestHead.LIMIT);
        } catch (NetparkException.LimitExceeded e) {
            throw new Refusal(431, "The request's head has more than " + RequestHead.LIMIT + " bytes.");
        }
        if (head == null) {
            return false;
        }
        RequestHead request = RequestHead.parse(StandardCharsets.ISO_8859_1.decode(head).toString());
        input.release();
        if (!request.getPath().equals("/echo")) {
            throw new Refusal(404, "There is nothing here. The WebSocket is at /echo");
        }
        output.put(Handshake.accept(request));
        return true;
    }

    private void answer(Arrival arrival) throws IOException {
        LinkBuffer payload = parser.getPayload();
        switch (arrival) {
            case TEXT, BINARY -> send(arrival, payload);
            case PING -> send(Arrival.PONG, payload);
            case PONG -> {}
            case CLOSE -> end(Frames.closeFrame(parser.getCloseCode(), ""));
        }
    }

    /** The bytes are moved, not copied, unless they are few. */
    private void send(Arrival kind, LinkBuffer payload) throws IOException {
        Frames.writeFrameHead(output, kind, (int) payload.available());
        output.append(payload);
    }

    private void end(byte[] last) throws IOException {
        output.put(last);
        movedAt = System.nanoTime(); // PATIENCE begins
        ending = true;
    }

    // Time, and the end

    /** On a worker, now and then. */
    synchronized void tick(long now, long ping) {
        long quiet = now - movedAt;
        if (closed) {
            return;
        }
        if (ending || !upgraded ? quiet > PATIENCE : quiet > 2 * ping) {
            close();
        } else if (upgraded && !ending && quiet > ping && !asked && output.available() == 0) {
            asked = true;
            unasked(() -> Frames.writeFrameHead(output, Arrival.PING, 0));
        }
    }

    /** On a worker: the server is shutting down. */
    synchronized void goAway() {
        if (closed || ending) {
            return;
        }
        if (upgraded) {
            unasked(() -> end(Frames.closeFrame(CloseCode.GOING_AWAY, "the server is shutting down")));
        } else {
            close();
        }
    }

    private interface Frame {
        void write() throws IOException;
    }

    /** Sends something though the descriptor has not been reported. */
    private void unasked(Frame frame) {
        try {
            frame.write();
            if (!flush()) {
                watch();
            }
        } catch (IOException e) {
            close();
        }
    }

    /** Calling it again has no effect. Not on the loop, but before {@code start}. */
    synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        server.poller().stop(descriptor);
        descriptor.close();
        input.close();
        output.close();
        parser.close();
        server.forget(this);
    }
}
