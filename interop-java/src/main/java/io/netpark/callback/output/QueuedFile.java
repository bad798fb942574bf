package io.netpark.callback.output;

import io.netpark.core.buffer.LinkBuffer;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.files.FileTransfer;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/** A file in an {@link OutputQueue}, and the bytes that come after it. Loop's thread only; NOT thread safe. */
final class QueuedFile extends Queued {

    final FileTransfer transfer;
    private final @Nullable LongConsumer progress;
    private long told;

    QueuedFile(FileTransfer transfer, @Nullable LongConsumer progress, LinkBuffer after) {
        super(after);
        this.transfer = transfer;
        this.progress = progress;
        this.told = transfer.sent();
    }

    /** Tells how far it has got, if that is further than it was. Runs user code. */
    void tellProgress(EventLoop loop) {
        long sent = transfer.sent();
        if (progress == null || sent == told) {
            return;
        }
        told = sent;
        try {
            progress.accept(sent);
        } catch (RuntimeException | Error e) {
            loop.report("The progress of " + transfer + " was told, and that threw", e);
        } finally {
            EventLoop.leaveUserCode();
        }
    }

    @Override
    void close() {
        super.close();
        transfer.close();
    }
}
