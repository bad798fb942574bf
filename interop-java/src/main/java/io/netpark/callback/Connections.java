package io.netpark.callback;

import io.netpark.core.sys.NetparkException;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** The connections of a server or a client, from when they are opened until their close callbacks have run. */
final class Connections {

    private final Set<CallbackConnection> open = ConcurrentHashMap.newKeySet();
    private volatile boolean awaited;

    int size() {
        return open.size();
    }

    void add(CallbackConnection connection) {
        open.add(connection);
    }

    void remove(CallbackConnection connection) {
        open.remove(connection);
        if (awaited && open.isEmpty()) {
            synchronized (open) {
                open.notifyAll();
            }
        }
    }

    /** Waits until there are none, or the time is over, or the thread is interrupted. */
    void awaitNone(long nanos) throws InterruptedException {
        awaited = true; // before the set is looked at, as remove() changes the set before it looks here
        long end = System.nanoTime() + nanos;
        synchronized (open) {
            for (long left = nanos; left > 0 && !open.isEmpty(); left = end - System.nanoTime()) {
                open.wait(left / 1_000_000, (int) (left % 1_000_000));
            }
        }
    }

    /** Closes those there are now, and returns how many were still open. */
    int closeAll(String because) {
        int closed = 0;
        for (CallbackConnection connection : open) {
            if (connection.end(new NetparkException.Closed(connection + ": closed here, " + because))) {
                closed++;
            }
        }
        return closed;
    }
}
