package io.netpark.callback.output;

import io.netpark.callback.futures.PlacedFuture;
import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.net.files.FileTransfer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A wish of a thread that is not the loop's: bytes to write, a file to send, somebody else's turn to write, or a way to end. An entry
 * of a stack.
 */
final class Submission {

    final LinkBuffer bytes;
    final @Nullable FileTransfer file;
    final @Nullable OutputBorrower borrower;
    final @Nullable LongConsumer progress;
    final @Nullable PlacedFuture<Void> future;
    /** What comes after the last byte; see {@link Output}. */
    final int end;
    @Nullable Submission next;

    Submission(LinkBuffer bytes, @Nullable PlacedFuture<Void> future, int end) {
        this(bytes, null, null, null, future, end);
    }

    Submission(LinkBuffer bytes, @Nullable FileTransfer file, @Nullable OutputBorrower borrower,
            @Nullable LongConsumer progress, @Nullable PlacedFuture<Void> future, int end) {
        this.bytes = bytes;
        this.file = file;
        this.borrower = borrower;
        this.progress = progress;
        this.future = future;
        this.end = end;
    }

    /** Turns a stack round. */
    static @Nullable Submission inOrder(@Nullable Submission last) {
        Submission first = null;
        while (last != null) {
            Submission before = last.next;
            last.next = first;
            first = last;
            last = before;
        }
        return first;
    }

    long length() {
        return bytes.buffered() + lengthOfFile();
    }

    long lengthOfFile() {
        return file == null ? 0 : file.count() - file.sent();
    }

    /** It comes to nothing. */
    void discard() {
        bytes.close();
        if (file != null) {
            file.close();
        }
        if (borrower != null) {
            borrower.lent(false);
        }
    }
}
