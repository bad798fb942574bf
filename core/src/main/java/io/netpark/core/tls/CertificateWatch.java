package io.netpark.core.tls;

import io.netpark.core.report.Reporter;
import io.netpark.core.sys.Clock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Watches the files of a {@link Tls}, and reloads it when they have changed. Made by {@link Tls#watch}. Has a daemon thread of
 * its own, which ends when this is closed.
 */
public final class CertificateWatch implements AutoCloseable {

    private final Tls tls;
    private final List<Path> files;
    private final Duration interval;
    private final Reporter reporter;
    private final Thread thread;

    /** What has been loaded. Of the thread, as are the others. */
    private FileStates known;

    /** What has been found to be of no use, and why; it is tried again, as the reason may pass. Null if it was loaded. */
    private @Nullable FileStates refused;
    private @Nullable String why;

    /** What was there when the thread last looked. */
    private FileStates seen;

    private volatile boolean closed;

    private CertificateWatch(Tls tls, Duration interval, Reporter reporter) {
        this.tls = tls;
        this.files = tls.files();
        this.interval = interval;
        this.reporter = reporter;
        known = tls.loaded(); // and not what is there now: it may have changed since
        seen = FileStates.of(files);
        thread = new Thread(null, this::run, "netpark-certificates", 0, false);
        thread.setDaemon(true);
    }

    static CertificateWatch of(Tls tls, Duration interval, Reporter reporter) {
        if (interval.isZero() || interval.isNegative()) {
            throw new IllegalArgumentException("an interval is more than 0: " + interval);
        }
        if (tls.files().isEmpty()) {
            throw new IllegalStateException("this TLS has no files that could be watched");
        }
        CertificateWatch watch = new CertificateWatch(tls, interval, reporter);
        watch.thread.start();
        return watch;
    }

    private void run() {
        long due = Clock.SYSTEM.after(interval);
        while (!closed) {
            long left = due - Clock.SYSTEM.nanoTime();
            if (left > 0) {
                Clock.SYSTEM.park(this, left);
            } else {
                try {
                    check();
                } catch (Throwable e) {
                    // No memory to look. The next look may have some.
                }
                due = Clock.SYSTEM.after(interval);
            }
        }
    }

    /** Looks once. Of the thread; and of tests, whose interval is long. */
    void check() {
        FileStates now = FileStates.of(files);
        boolean settled = now.equals(seen);
        seen = now;
        if (!settled) {
            return;
        }
        if (now.equals(known)) {
            refused = null;
            return;
        }
        try {
            tls.reload();
            known = now;
            refused = null;
        } catch (Exception | OutOfMemoryError | StackOverflowError e) {
            refused(now, String.valueOf(e.getMessage()), e);
        }
    }

    /** Reports it, once while files and reason stay the same. */
    private void refused(FileStates now, String reason, Throwable e) {
        if (!now.equals(refused) || !reason.equals(why)) {
            refused = now;
            why = reason;
            report("certificates have changed and are of no use; those that were loaded before stay in use: " + reason, e);
        }
    }

    private void report(String what, Throwable cause) {
        try {
            reporter.report(what, cause);
        } catch (Throwable e) {
            // Told, and unable to take it. The watch goes on.
        }
    }

    /** Ends the watch. What has been loaded stays. A reload that is under way is not waited for. */
    @Override
    public void close() {
        closed = true;
        LockSupport.unpark(thread);
    }
}
