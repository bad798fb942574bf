package io.netpark.simulation.kernel;

import io.netpark.core.sys.Due;
import io.netpark.core.sys.Errno;
import io.netpark.simulation.description.Description;
import io.netpark.simulation.description.Failure;
import io.netpark.simulation.description.IoVector;
import io.netpark.simulation.description.Watcher;
import io.netpark.simulation.schedule.Timeline;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntSupplier;
import java.util.function.Supplier;

/** How the thread that makes a system call waits in it. Meanwhile it uses the descriptions that it waits for, as any call does. */
final class Waiting {

    private final Timeline timeline;

    Waiting(Timeline timeline) {
        this.timeline = timeline;
    }

    /** Attempts until the result is another than EAGAIN. */
    int until(Description description, boolean mayWait, IntSupplier attempt) {
        if (!mayWait) {
            return attempt.getAsInt();
        }
        return until(List.of(description), Due.FOREVER, () -> {
            try {
                return attempt.getAsInt();
            } catch (Failure e) {
                if (isToWait(e)) {
                    return NOT_YET;
                }
                throw e;
            }
        });
    }

    /** As the other, of an attempt that has more to say than a number. */
    <T> T value(Description description, boolean mayWait, Supplier<T> attempt) {
        List<T> value = new ArrayList<>(1);
        until(description, mayWait, () -> {
            value.add(attempt.get());
            return 0;
        });
        return value.get(0);
    }

    /** One attempt, or as many as it takes to get rid of everything. */
    int all(Description description, IoVector from, boolean mayWait, IntSupplier attempt) {
        int sum = 0;
        try {
            do {
                sum += until(description, mayWait, attempt);
            } while (mayWait && from.remaining() > 0);
        } catch (Failure e) {
            if (sum == 0) {
                throw e;
            }
        }
        return sum;
    }

    /** What an attempt returns that has to be made again. */
    static final int NOT_YET = -1;

    /** Attempts until there is a result, or the time is over: then the last attempt's stands. */
    int until(List<Description> descriptions, long nanos, IntSupplier attempt) {
        int first = attempt.getAsInt();
        if (first != NOT_YET || nanos == 0) {
            return first;
        }
        long end = timeline.clock().after(nanos);
        Thread thread = Thread.currentThread();
        Watcher watcher = events -> timeline.wake(thread);
        for (Description description : descriptions) {
            description.acquire();
            description.waiters().add(watcher);
        }
        try {
            while (true) {
                int result = attempt.getAsInt();
                if (result != NOT_YET || end - timeline.clock().nanoTime() <= 0) {
                    return result;
                }
                timeline.await(nanos == Due.FOREVER ? timeline.clock().after(Due.FOREVER) : end);
            }
        } finally {
            for (Description description : descriptions) {
                description.waiters().remove(watcher);
                description.release();
            }
        }
    }

    private static boolean isToWait(Failure failure) {
        return failure.errno() == Errno.EAGAIN || failure.errno() == Errno.EINPROGRESS || failure.errno() == Errno.EALREADY;
    }
}
