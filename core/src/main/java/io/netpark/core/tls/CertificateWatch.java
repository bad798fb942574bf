package io.netpark.core.tls;

import io.netpark.core.report.Reporter;
import io.netpark.core.sys.Clock;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.locks.LockSupport;

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

    /** What has been loaded, or has been found to be of no use. Of the thread. */
    private FileStates known;

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
                check();
                due = Clock.SYSTEM.after(interval);
            }
        }
    }

    /** Looks once. Of the thread; and of tests, whose interval is long. */
    void check() {
        FileStates now = FileStates.of(files);
        boolean settled = now.equals(seen);
        seen = now;
        if (!settled || now.equals(known)) {
            return;
        }
        known = now;
        try {
            tls.reload();
        } catch (Exception | OutOfMemoryError | StackOverflowError e) {
            report("certificates have changed and are of no use; those that were loaded before stay in use: " + e.getMessage(), e);
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
