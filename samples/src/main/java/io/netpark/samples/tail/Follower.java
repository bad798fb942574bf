package io.netpark.samples.tail;

import io.netpark.callback.poller.CallbackPoller;
import io.netpark.core.linux.Linux;
import io.netpark.core.loop.EventLoop;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
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
 * A line that such a change has left without an end gets one. What fails is tried again every second: that a file may be read
 * now, or that there are descriptors again, is told by nothing. On one event loop; reading a file does not wait for anybody, or
 * only for a disk.
 */
final class Follower implements AutoCloseable {

    /** Also the longest line: what is longer comes in pieces. */
    private static final int ROOM = 64 * 1024;
    private static final int READS_A_TURN = 16;
    private static final long RETRY_SECONDS = 1;

    private final Path path;
    private final CallbackPoller poller;
    private final EventLoop loop;
    private final Consumer<ByteBuffer> lines;
    private final Inotify folder;
    /** The beginning of a line, and room. */
    private final ByteBuffer bytes = ByteBuffer.allocateDirect(ROOM);
    private @Nullable Generation file;
    /** In a line whose beginning has not been read, so that it is not handed on. */
    private boolean isHeadless;
    /** What has been handed on ends in the midst of a line. */
    private boolean inLine;
    private boolean more;
    /** What is the matter; it is reported once. */
    private @Nullable String failure;
    private @Nullable Future<?> retry;
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
            isHeadless = true;
        }
        while (file.read(bytes)) {
            handOn();
        }
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
            failure = null;
        } catch (IOException e) {
            if (!e.toString().equals(failure)) {
                failure = e.toString();
                loop.report("Following " + path + " failed; it is tried again every second", e);
            }
            retryLater();
        }
    }

    private void retryLater() {
        if (retry == null) {
            retry = loop.schedule(() -> {
                retry = null;
                look();
            }, RETRY_SECONDS, TimeUnit.SECONDS);
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
        if (file != null) {
            failure = null; // the next file may fail before all of this one has been read
        }
        return file != null;
    }

    /** Hands on all whole lines. */
    private void handOn() {
        if (isHeadless && !dropTail()) {
            return;
        }
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
        inLine = bytes.get(end - 1) != '\n';
        lines.accept(bytes.position(0).limit(end));
        bytes.limit(all).position(end);
        bytes.compact();
    }

    /** Drops the rest of the line whose beginning is not here. Returns whether it has ended. */
    private boolean dropTail() {
        bytes.flip();
        while (isHeadless && bytes.hasRemaining()) {
            isHeadless = bytes.get() != '\n';
        }
        bytes.compact();
        return !isHeadless;
    }

    private void endLine() {
        isHeadless = false;
        if (bytes.position() > 0 || inLine) {
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
        if (retry != null) {
            retry.cancel(false);
        }
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
