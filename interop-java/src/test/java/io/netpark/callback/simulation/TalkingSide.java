package io.netpark.callback.simulation;

import io.netpark.callback.CallbackConnection;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.net.files.OpenFile;
import io.netpark.core.sys.NetparkException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * One side of a connection, and the model of what it may be told: connected first, then bytes as they were sent, then the end behind the
 * last of them, disconnected and closed once each, closed last; and never two things at a time.
 */
final class TalkingSide {

    private static final int MOST = 100_000;
    /** All that any of them says, behind how much it will be. */
    static final byte[] ALL = new byte[MOST];

    static {
        for (int place = 0; place < MOST; place++) {
            ALL[place] = byteAt(place);
        }
    }

    private final CallbackConnection connection;
    private final Random random;
    private final boolean mayBreak;
    /** It has {@link #ALL}. */
    private final OpenFile file;
    /** What it says: how much it will be, and so many bytes. */
    private final ByteBuffer speech;
    private final ByteBuffer head = ByteBuffer.allocate(Integer.BYTES);
    private int heard;
    private boolean inside;
    private boolean isConnected;
    private boolean isHalfClosed;
    private boolean isDisconnected;
    private boolean isClosed;
    private @Nullable Throwable failure;

    TalkingSide(CallbackConnection connection, Random random, boolean mayBreak, OpenFile file) {
        this.connection = connection;
        this.random = random;
        this.mayBreak = mayBreak;
        this.file = file;
        int length = random.nextInt(4) == 0 ? random.nextInt(MOST) : random.nextInt(2000);
        this.speech = ByteBuffer.allocate(Integer.BYTES + length).putInt(length).put(ALL, 0, length).flip();
    }

    private static byte byteAt(int place) {
        return (byte) (place * 31 + place / 256);
    }

    // What it is told

    void connected() {
        callback(() -> {
            require(!isConnected && !isClosed, "connected twice, or too late");
            sayNext();
            isConnected = true;
        });
    }

    void heard(ByteBuffer in) {
        callback(() -> {
            require(isConnected && !isHalfClosed && !isClosed, "input before the beginning, or behind the end");
            int most = random.nextInt(3) == 0 ? 1 + random.nextInt(in.remaining()) : in.remaining();
            for (int i = 0; i < most; i++) {
                hear(in.get());
            }
            if (in.hasRemaining()) {
                connection.requestAgain();
            }
            if (random.nextInt(8) == 0) {
                connection.pauseReading();
                later(connection::resumeReading);
            }
        });
    }

    private void hear(byte next) {
        if (head.hasRemaining()) {
            head.put(next);
        } else {
            require(next == byteAt(heard++), "another byte than was sent");
        }
    }

    void halfClosed() {
        callback(() -> {
            require(isConnected && !isHalfClosed && !isClosed, "the end twice, or not between the beginning and the close");
            isHalfClosed = true;
            require(mayBreak || hasHeardAll(), "the end before the last byte");
        });
    }

    /** May be told while something else is. */
    void disconnected() {
        attempt(() -> {
            require(!isDisconnected && !isClosed, "disconnected twice, or after the close");
            isDisconnected = true;
        });
    }

    void closed() {
        callback(() -> {
            require(isDisconnected && !isClosed, "closed twice, or not disconnected before");
            isClosed = true;
        });
    }

    // What it does

    private void sayNext() {
        if (!connection.isOpen()) {
            require(mayBreak, "it has been closed before it has said everything");
            return;
        }
        try {
            int length = Math.min(speech.remaining(), 1 + random.nextInt(random.nextInt(4) == 0 ? 60_000 : 1000));
            int place = speech.position();
            ByteBuffer piece = speech.slice(place, length);
            speech.position(place + length);
            if (place >= Integer.BYTES && random.nextInt(4) == 0) {
                connection.sendFile(FileTransfer.of(file, place - Integer.BYTES, length));
            } else if (random.nextBoolean()) {
                connection.write(piece);
            } else {
                connection.writeAsync(piece);
            }
            if (speech.hasRemaining()) {
                later(this::sayNext);
            } else {
                connection.shutdownOutput();
            }
        } catch (NetparkException.Closed e) {
            require(mayBreak, "it has been closed before it has said everything");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void later(Runnable task) {
        try {
            connection.loop().schedule(() -> attempt(task), random.nextInt(8000), TimeUnit.MICROSECONDS);
        } catch (RejectedExecutionException e) { // its loop has ended
            require(mayBreak, "its loop has ended");
        }
    }

    // The model

    private boolean hasHeardAll() {
        return !head.hasRemaining() && heard == head.getInt(0);
    }

    private void callback(Runnable body) {
        attempt(() -> {
            require(!inside, "two callbacks at a time");
            inside = true;
            try {
                body.run();
            } finally {
                inside = false;
            }
        });
    }

    private void attempt(Runnable body) {
        try {
            body.run();
        } catch (Throwable e) {
            failure = failure == null ? e : failure;
            connection.close();
        }
    }

    /** At the end of the program. */
    void requireOver() {
        if (failure != null) {
            throw new AssertionError("on " + connection, failure);
        }
        require(isConnected && isDisconnected && isClosed, "never told of its close");
        require(mayBreak || isHalfClosed && hasHeardAll() && !speech.hasRemaining(), "not everything was said and heard");
    }

    private static void require(boolean holds, String what) {
        RandomCallbacks.require(holds, what);
    }
}
