package io.netpark.core.net.serving.rules;

import io.netpark.core.fd.Descriptor;
import io.netpark.core.report.PeerFault;
import io.netpark.core.sys.NetparkException;
import java.io.InterruptedIOException;
import java.util.concurrent.CancellationException;

/** What the failure of a connection's handler is about. That decides who is told of it. */
public enum FailureKind {
    /** The connection was closed here, or everything was: nobody is told. */
    CLOSED_HERE,
    /** The peer has done this to its own connection: counted, told to the program if it asks for failures, and never reported. */
    BY_PEER,
    /** Anything else: told to the program, or else reported. */
    OTHER;

    /**
     * The kind of a failure. A program's own error that came on top, such as one of a clean-up, makes it {@link #OTHER}.
     *
     * @param connection whose handler has failed
     * @param isAllClosed whether the event loops are closed, so that any connection may have been closed by that
     */
    public static FailureKind of(Throwable failure, Descriptor connection, boolean isAllClosed) {
        if (!(failure instanceof NetparkException known) || bringsMore(failure)) {
            return OTHER;
        }
        boolean isAboutThis = known.isAbout(connection);
        if (known instanceof NetparkException.Closed) {
            return isAboutThis || isAllClosed ? CLOSED_HERE : OTHER;
        }
        return isAboutThis && PeerFault.of(known) != null ? BY_PEER : OTHER;
    }

    /** Others may have found the connection ended as well, or have been cancelled or interrupted for it: that is nothing more. */
    private static boolean bringsMore(Throwable failure) {
        for (Throwable suppressed : failure.getSuppressed()) {
            boolean isConsequence = suppressed instanceof NetparkException || suppressed instanceof CancellationException
                    || suppressed instanceof InterruptedException || suppressed instanceof InterruptedIOException;
            if (!isConsequence) {
                return true;
            }
        }
        return false;
    }
}
