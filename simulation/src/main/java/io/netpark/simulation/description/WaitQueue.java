package io.netpark.simulation.description;

import java.util.ArrayList;
import java.util.List;

/**
 * Those who wait for one description, as the kernel's queues of this name. Each call of {@link #wake} is an edge, whether or not
 * anything is different: that is what edge-triggered registrations report.
 */
public final class WaitQueue {

    /** A change of state, which concerns everybody. */
    public static final int ALL = -1;

    private final List<Watcher> watchers = new ArrayList<>();

    public void add(Watcher watcher) {
        watchers.add(watcher);
    }

    public void remove(Watcher watcher) {
        watchers.remove(watcher);
    }

    /** Tells all; see {@link Watcher#notified}. */
    public void wake(int events) {
        for (int i = 0; i < watchers.size(); i++) {
            watchers.get(i).notified(events);
        }
    }

    void close() {
        for (Watcher watcher : List.copyOf(watchers)) {
            watcher.gone();
        }
        watchers.clear();
    }
}
