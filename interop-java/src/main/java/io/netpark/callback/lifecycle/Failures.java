package io.netpark.callback.lifecycle;

import io.netpark.callback.futures.OneByOne;
import io.netpark.core.loop.EventLoop;
import io.netpark.core.net.serving.rules.FailureReports;
import io.netpark.core.sys.NetparkException;

/** Tells of what goes wrong with connections: the failure callback of each, or the reporter if it has none. */
final class Failures extends FailureReports<Lifecycle> {

    /** The connection has ended because of this. On the loop, and not in the midst of a callback. */
    void ended(Lifecycle connection, NetparkException cause) {
        // Of a close here the code that has closed it knows.
        if (connection.callbacks().hasFailure() && !(cause instanceof NetparkException.Closed)) {
            tell(connection, "it has failed", cause, true);
        }
    }

    /** The connection has ended because of something that was thrown on its behalf. Otherwise as the other. */
    void ended(Lifecycle connection, String because, Throwable thrown) {
        count(connection);
        tell(connection, because, thrown, true);
    }

    /** Something was thrown on behalf of the connection. From any thread; on the loop, not in the midst of a callback. */
    void thrown(Lifecycle connection, String because, Throwable thrown) {
        count(connection);
        if (!connection.callbacks().hasFailure() || connection.loop().inLoop()) {
            tell(connection, because, thrown, true);
            return;
        }
        try {
            OneByOne.onLoop(connection.loop(), () -> tell(connection, because, thrown, true));
        } catch (Throwable noMemory) {
            report(connection, because, thrown);
        }
    }

    @Override
    protected boolean tellProgram(Lifecycle connection, Throwable failure) throws Exception {
        if (!connection.callbacks().hasFailure()) {
            return false;
        }
        connection.callbacks().failed(failure);
        return true;
    }

    @Override
    protected EventLoop loopOf(Lifecycle connection) {
        return connection.loop();
    }
}
