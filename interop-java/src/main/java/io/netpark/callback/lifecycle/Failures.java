package io.netpark.callback.lifecycle;

import io.netpark.callback.delivery.UserCallbacks;
import io.netpark.callback.futures.OneByOne;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.serving.rules.FailureReports;
import io.netpark.core.net.socket.SocketDescriptor;
import io.netpark.core.sys.NetparkException;

/** Tells of what goes wrong with a connection: its failure callback, or the reporter if it has none. */
final class Failures extends FailureReports<SocketDescriptor> {

    private final SocketDescriptor core;
    private final UserCallbacks callbacks;

    Failures(SocketDescriptor core, UserCallbacks callbacks) {
        this.core = core;
        this.callbacks = callbacks;
    }

    /** The connection has ended because of this. On the loop, and not in the midst of a callback. */
    void ended(NetparkException cause) {
        if (callbacks.hasFailure() && !(cause instanceof NetparkException.Closed)) { // the code that has closed it knows
            tell(core, "it has failed", cause, true);
        }
    }

    /** The connection has ended because of something that was thrown on its behalf. Otherwise as the other. */
    void ended(String because, Throwable thrown) {
        tell(core, because, thrown, true);
    }

    /** Something was thrown on behalf of the connection. From any thread; on the loop, not in the midst of a callback. */
    void thrown(String because, Throwable thrown) {
        if (!callbacks.hasFailure() || core.loop().inLoop()) {
            tell(core, because, thrown, true);
            return;
        }
        try {
            OneByOne.onLoop(core.loop(), () -> tell(core, because, thrown, true));
        } catch (Throwable noMemory) {
            report(core, because, thrown);
        }
    }

    @Override
    protected boolean tellProgram(SocketDescriptor connection, Throwable failure) throws Exception {
        if (!callbacks.hasFailure()) {
            return false;
        }
        callbacks.failed(failure);
        return true;
    }

    @Override
    protected EventLoop loopOf(SocketDescriptor connection) {
        return connection.loop();
    }
}
