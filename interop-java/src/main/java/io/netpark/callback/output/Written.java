package io.netpark.callback.output;

import io.netpark.callback.futures.OneByOne;
import io.netpark.callback.futures.PlacedFuture;
import io.netpark.core.loop.EventLoop;
import java.util.ArrayDeque;

/** Futures of writes that the kernel took at once, until a task tells so. Loop's thread only; NOT thread safe. */
final class Written implements Runnable {

    private final EventLoop loop;
    private final ArrayDeque<PlacedFuture<Void>> untold = new ArrayDeque<>(1);
    /** The task is on its way, or running. */
    private boolean queued;

    Written(EventLoop loop) {
        this.loop = loop;
    }

    void add(PlacedFuture<Void> future) {
        untold.add(future);
        if (!queued) {
            queued = true;
            OneByOne.onLoop(loop, this);
        }
    }

    /** Tells those there are. Runs user code; those that it adds are told by the next task. */
    void tell() {
        for (int left = untold.size(); left > 0 && !untold.isEmpty(); left--) {
            untold.remove().tell((Void) null);
        }
    }

    @Override
    public void run() {
        try {
            tell();
        } finally {
            queued = !untold.isEmpty();
            if (queued) {
                OneByOne.onLoop(loop, this);
            }
        }
    }
}
