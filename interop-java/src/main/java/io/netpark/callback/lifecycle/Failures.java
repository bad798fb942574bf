package io.netpark.callback.lifecycle;

import io.netpark.callback.delivery.UserCallbacks;
import io.netpark.callback.futures.OneByOne;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.socket.SocketDescriptor;
import io.netpark.core.sys.NetparkException;

/**
 * Where it is told what has gone wrong with a connection: its failure callback, or the reporter if it has none. Throws nothing, and
 * finds words only where there is memory for them.
 */
final class Failures {

    private final SocketDescriptor core;
    private final EventLoop loop;
    private final UserCallbacks callbacks;

    Failures(SocketDescriptor core, UserCallbacks callbacks) {
        this.core = core;
        this.loop = core.loop();
        this.callbacks = callbacks;
    }

    /** The connection has ended because of this. On the loop, and not in the midst of a callback. */
    void ended(NetparkException cause) {
        if (callbacks.hasFailure() && !(cause instanceof NetparkException.Closed)) { // that was done here, and who did it knows
            tell("it has failed", cause);
        }
    }

    /** The connection has ended because of something that was thrown on its behalf. Otherwise as the other. */
    void ended(String because, Throwable thrown) {
        if (callbacks.hasFailure()) {
            tell(because, thrown);
        } else {
            report(because, thrown);
        }
    }

    /** Something was thrown on behalf of the connection. From any thread; on the loop, not in the midst of a callback. */
    void thrown(String because, Throwable thrown) {
        if (!callbacks.hasFailure()) {
            report(because, thrown);
            return;
        }
        if (loop.inLoop()) {
            tell(because, thrown);
            return;
        }
        try {
            OneByOne.onLoop(loop, () -> tell(because, thrown));
        } catch (Throwable noMemory) {
            report(because, thrown);
        }
    }

    private void tell(String because, Throwable failure) {
        try {
            callbacks.failed(failure);
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
            what = core + ": " + because;
        } catch (Throwable noMemory) {
            // As it is, then.
        }
        loop.report(what, thrown);
    }
}
