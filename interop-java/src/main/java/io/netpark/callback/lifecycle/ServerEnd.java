package io.netpark.callback.lifecycle;

import io.netpark.core.net.listening.ListenerDescriptor;
import io.netpark.core.net.serving.Shutdown;
import io.netpark.core.net.serving.rules.Server;
import java.util.List;

/** What the phases of a shutdown do to the connections of a server with callbacks. */
public final class ServerEnd implements Server {

    private final Connections connections;
    private final List<ListenerDescriptor> listeners;
    /** Connections that are accepted from now on are closed. */
    private final Runnable noMore;

    /** When accepting stopped. */
    private int open;
    /** When the time to finish was over, as the next. */
    private int idle;
    private int unfinished;

    public ServerEnd(Connections connections, List<ListenerDescriptor> listeners, Runnable noMore) {
        this.connections = connections;
        this.listeners = listeners;
        this.noMore = noMore;
    }

    @Override
    public void announce() {
        connections.drain();
    }

    @Override
    public void stopAccepting() {
        listeners.forEach(ListenerDescriptor::close);
        open = connections.countOpen();
        unfinished = open;
    }

    @Override
    public void endIdle() {
        connections.closeIdle();
    }

    @Override
    public boolean flush(long nanos) {
        unfinished = connections.countOpen();
        idle = connections.countOfIdle();
        if (unfinished == 0 || nanos == 0) {
            return false;
        }
        connections.closeAllLingering(nanos);
        return true;
    }

    @Override
    public int cutOff(String because) {
        noMore.run();
        return connections.closeAll(because);
    }

    @Override
    public Shutdown.Report report(int cut) {
        return new Shutdown.Report(idle, Math.max(0, open - idle - unfinished), Math.max(0, unfinished - cut), cut);
    }
}
