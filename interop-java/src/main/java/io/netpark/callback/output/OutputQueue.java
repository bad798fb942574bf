package io.netpark.callback.output;

import io.netpark.callback.futures.PlacedFuture;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.net.files.FileTransfer;
import io.netpark.core.sys.NetparkException;
import java.util.ArrayDeque;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The bytes that the kernel has not taken yet, in order, files and borrowers among them, and the futures that wait for some of them.
 * Loop's thread only; NOT thread safe.
 *
 * <pre>
 *   {@link #bytes} | file, bytes after it | borrower, bytes after it | file, bytes after it &lt;-- {@link #tail}
 * </pre>
 */
public final class OutputQueue {

    private record Promise(PlacedFuture<Void> future, long at) {}

    private final LinkBuffer bytes;
    private final ArrayDeque<Queued> others = new ArrayDeque<>(0);
    /** Files that have been sent, of which somebody is to be told. */
    private final ArrayDeque<QueuedFile> sentFiles = new ArrayDeque<>(0);
    private final ArrayDeque<Promise> promises = new ArrayDeque<>(0);
    /** Bytes ever added, as far as {@link #promises} know. */
    private long added;
    /** Bytes of those that the kernel has taken. */
    private long taken;

    OutputQueue(LinkBuffer bytes) {
        this.bytes = bytes;
    }

    public static void move(LinkBuffer from, LinkBuffer to) {
        try {
            to.append(from);
        } catch (NetparkException.LimitExceeded e) {
            throw new AssertionError("a buffer without a limit", e);
        }
    }

    /** What is to be sent first, if it is not {@link #file}. For those who take bytes. */
    LinkBuffer bytes() {
        return bytes;
    }

    /** For those who add bytes. */
    LinkBuffer tail() {
        Queued last = others.peekLast();
        return last == null ? bytes : last.after;
    }

    boolean isEmpty() {
        return bytes.buffered() == 0 && others.isEmpty();
    }

    /** A file comes next; {@code after} is empty. */
    void add(FileTransfer transfer, @Nullable LongConsumer progress, LinkBuffer after) {
        others.add(new QueuedFile(transfer, progress, after));
    }

    /** Somebody else writes next; {@code after} is empty. */
    void add(OutputBorrower borrower, LinkBuffer after) {
        others.add(new QueuedLoan(borrower, after));
    }

    private @Nullable Queued first() {
        return bytes.buffered() > 0 ? null : others.peek();
    }

    private void removeFirst() {
        move(others.remove().after, bytes);
    }

    /** Takes out whose turn it is to write, or null while there are bytes or files before it. */
    @Nullable OutputBorrower nextBorrower() {
        if (first() instanceof QueuedLoan loan) {
            removeFirst();
            loan.after.close();
            return loan.borrower;
        }
        return null;
    }

    /** The file that is to be sent now, or null while there are bytes before it. */
    @Nullable FileTransfer file() {
        return first() instanceof QueuedFile file ? file.transfer : null;
    }

    /** How much is left of {@code file}, or of the bytes before it if that is null. */
    long unsentOfFirst(@Nullable FileTransfer file) {
        return file == null ? bytes.buffered() : file.count() - file.sent();
    }

    /** All of {@link #file} has been sent. */
    void fileSent() {
        if (first() instanceof QueuedFile file) {
            removeFirst();
            file.close();
            sentFiles.add(file);
        }
    }

    /** Takes out a file that has been sent and of which nobody has been told, or null. */
    @Nullable QueuedFile nextSentFile() {
        return sentFiles.poll();
    }

    /** The next file that is to be sent, or that is being sent. */
    @Nullable QueuedFile firstFile() {
        return others.peek() instanceof QueuedFile file ? file : null;
    }

    /** So many bytes have been added, and perhaps somebody wants to know when they have been taken. */
    void added(long count, @Nullable PlacedFuture<Void> future) {
        added += count;
        if (future != null) {
            promises.add(new Promise(future, added));
        }
    }

    /** The kernel has taken so many bytes. */
    void taken(long count) {
        taken += count;
    }

    /** The next future whose bytes have all been taken, or null. */
    @Nullable PlacedFuture<Void> fulfilled() {
        Promise first = promises.peek();
        if (first == null || first.at > taken) {
            return null;
        }
        promises.remove();
        return first.future;
    }

    /** Drops everything, and returns the next future that will not be fulfilled, or null. */
    @Nullable PlacedFuture<Void> broken() {
        bytes.close();
        Promise first = promises.poll();
        return first == null ? null : first.future;
    }

    /** Drops everything, and returns the next borrower whose turn will not come, or null. */
    @Nullable OutputBorrower turnedAway() {
        for (Queued other; (other = others.poll()) != null; ) {
            other.close();
            if (other instanceof QueuedLoan loan) {
                return loan.borrower;
            }
        }
        return null;
    }
}
