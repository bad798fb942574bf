package io.netpark.callback;

import io.netpark.callback.futures.OneByOne;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.sys.NetparkException;
import org.jspecify.annotations.Nullable;

/**
 * Where it is told what has gone wrong with a connection: its failure callback, or the reporter if it has none. Throws nothing, and
 * finds words only where there is memory for them.
 */
final class Failures {

    private final CallbackConnection connection;
    private final EventLoop loop;
    private final @Nullable FailureHandler handler;

    Failures(CallbackConnection connection) {
        this.connection = connection;
        this.loop = connection.loop();
        this.handler = connection.callbacks.failure;
    }

    /** The connection has ended because of this. On the loop, and not in the midst of a callback. */
    void ended(NetparkException cause) {
        if (handler != null && !(cause instanceof NetparkException.Closed)) { // that was done here, and who did it knows
            tell(handler, "it has failed", cause);
        }
    }

    /** The connection has ended because of something that was thrown on its behalf. Otherwise as the other. */
    void ended(String because, Throwable thrown) {
        if (handler != null) {
            tell(handler, because, thrown);
        } else {
            report(because, thrown);
        }
    }

    /** Something was thrown on behalf of the connection. From any thread; on the loop, not in the midst of a callback. */
    void thrown(String because, Throwable thrown) {
        FailureHandler told = handler;
        if (told == null) {
            report(because, thrown);
            return;
        }
        if (loop.inLoop()) {
            tell(told, because, thrown);
            return;
        }
        try {
            OneByOne.onLoop(loop, () -> tell(told, because, thrown));
        } catch (Throwable noMemory) {
            report(because, thrown);
        }
    }

    private void tell(FailureHandler handler, String because, Throwable failure) {
        try {
            handler.failed(connection, failure);
        } catch (Throwable e) {
            report(because, failure);
            report("its failure callback threw", e);
        } finally {
            EventLoop.leaveUserCode();
        }
    }

    private void report(String because, Throwable thrown) {
        String what = "Something was thrown on behalf of a connection";
        try {
            what = connection + ": " + because;
        } catch (Throwable noMemory) {
            // As it is, then.
        }
        loop.report(what, thrown);
    }
}
