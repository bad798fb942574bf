package io.netpark.core.report;

import io.netpark.core.sys.NetparkException;
import java.time.ZonedDateTime;
import org.jspecify.annotations.Nullable;

/**
 * {@link Reporter#LOG}. The JDK finds, loads and configures its logging when it is first asked for a logger, which needs
 * descriptors, and if that fails it fails for good: so it is asked when a group opens, and not when there is something to say.
 */
final class LogReporter implements Reporter {

    private volatile System.@Nullable Logger logger;

    @Override
    public void prepare() {
        if (logger == null) {
            System.Logger found = System.getLogger("io.netpark");
            found.isLoggable(System.Logger.Level.WARNING); // a logger of the JDK is lazy until it is asked something
            ZonedDateTime.now(); // it writes the time, for which the JDK reads a file once, or never again
            logger = found;
        }
    }

    @Override
    public void report(String what, Throwable cause) {
        prepare();
        System.Logger known = logger;
        assert known != null;
        if (cause instanceof Withheld) { // its text says all, and the stack of the like was in the log
            known.log(System.Logger.Level.WARNING, what);
        } else if (cause instanceof NetparkException && cause.getCause() == null) { // says all itself: where it was noticed adds nothing
            known.log(System.Logger.Level.WARNING, what + ": " + cause.getMessage());
        } else {
            known.log(System.Logger.Level.WARNING, what, cause);
        }
    }
}
