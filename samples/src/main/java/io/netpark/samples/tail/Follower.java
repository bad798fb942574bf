package io.netpark.samples.tail;

import io.netpark.callback.CallbackPoller;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.sys.Linux;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Follows a file by its name, as {@code tail -F} does, and hands on what is added to it, in whole lines.
 *
 * <ul>
 * <li>Renamed, and made again: the old file is read to its end, then the new one from its beginning.
 * <li>Cut: it is read from its beginning.
 * <li>Deleted, or not there yet: it is waited for.
 * </ul>
 *
 * A line that such a change has left without an end gets one. On one event loop; reading a file does not wait for anybody,
 * or only for a disk.
 */
final class Follower implements AutoCloseable {

    /** Also the longest line: what is longer comes in pieces. */
    private static final int ROOM = 64 * 1024;
    private static final int READS_A_TURN = 16;

    private final Path path;
    private final CallbackPoller poller;
    private final EventLoop loop;
    private final Consumer<ByteBuffer> lines;
    private final Inotify folder;
    /** The beginning of a line, and room. */
    private final ByteBuffer bytes = ByteBuffer.allocateDirect(ROOM);
    private @Nullable Generation file;
    private boolean more;
    private boolean closed;

    /**
     * Begins with the end of the file, if it is there.
     *
     * @param before so many bytes of what is there already are handed on as well, before this returns
     * @param lines called on the loop; the buffer is valid until it returns
     * @throws IOException naming the folder or the file that cannot be watched or read
     */
    static Follower start(Path path, long before, CallbackPoller poller, Consumer<ByteBuffer> lines) throws IOException {
        return onLoop(poller.loop(), () -> new Follower(path, before, poller, lines));
    }

    private Follower(Path path, long before, CallbackPoller poller, Consumer<ByteBuffer> lines) throws IOException {
        this.path = path;
        this.poller = poller;
        this.loop = poller.loop();
        this.lines = lines;
        Path parent = path.toAbsolutePath().getParent();
        // Before the file is looked for: it may appear in between.
        folder = new Inotify(poller, parent == null ? path.toAbsolutePath() : parent,
                Linux.IN_CREATE | Linux.IN_MOVED_TO, this::look);
        try {
            file = Generation.open(path, poller, this::look);
            if (file != null) {
                begin(file, before);
            }
        } catch (IOException | RuntimeException e) {
            release();
            throw e;
        }
    }

    private void begin(Generation file, long before) throws IOException {
        long end = file.size();
        if (end > before) {
            // One byte earlier: if that is the end of a line, the first line is a whole one.
            file.position(end - before - 1);
            boolean found = false;
            while (!found && file.read(bytes)) {
                bytes.flip();
                while (!found && bytes.hasRemaining()) {
                    found = bytes.get() == '\n';
                }
                bytes.compact();
            }
        }
        do {
            handOn();
        } while (file.read(bytes));
    }

    /** Something may have changed. */
    private void look() {
        if (closed) {
            return;
        }
        try {
            for (int reads = 0; lookOnce(); reads++) {
                if (reads == READS_A_TURN) { // others have their turn as well
                    goOn();
                    return;
                }
            }
        } catch (IOException e) {
            loop.report("Following " + path + " failed; it is tried again when it changes", e);
        }
    }

    private void goOn() {
        if (!more) {
            more = loop.tryExecute(() -> {
                more = false;
                look();
            });
        }
    }

    /** Returns whether there may be more to do. */
    private boolean lookOnce() throws IOException {
        Generation current = file;
        if (current != null) {
            if (current.isTruncated()) {
                endLine();
                current.position(0);
            }
            if (current.read(bytes)) {
                handOn();
                return true;
            }
            if (!current.isReplaced(path)) {
                return false;
            }
            if (current.read(bytes)) { // written before it was replaced, and after the read above
                handOn();
                return true;
            }
            endLine();
            file = null;
            current.close();
        }
        file = Generation.open(path, poller, this::look);
        return file != null;
    }

    /** Hands on all whole lines. */
    private void handOn() {
        int end = bytes.position();
        while (end > 0 && bytes.get(end - 1) != '\n') {
            end--;
        }
        if (end == 0) {
            if (bytes.hasRemaining()) {
                return;
            }
            end = bytes.position();
        }
        int all = bytes.position();
        lines.accept(bytes.position(0).limit(end));
        bytes.limit(all).position(end);
        bytes.compact();
    }

    private void endLine() {
        if (bytes.position() > 0) {
            bytes.put((byte) '\n'); // there is room: a full buffer has been handed on
            handOn();
        }
    }

    /** Stops, and waits for that. */
    @Override
    public void close() throws IOException {
        onLoop(loop, () -> {
            release();
            return this;
        });
    }

    private void release() throws IOException {
        closed = true;
        folder.close();
        if (file != null) {
            file.close();
        }
    }

    /** All is done there, so that nothing is guarded. */
    private static <T> T onLoop(EventLoop loop, Callable<T> work) throws IOException {
        try {
            return loop.submit(work).get();
        } catch (ExecutionException e) {
            if (e.getCause() instanceof IOException failure) {
                throw failure;
            }
            throw new IllegalStateException(e.getCause());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }
}
