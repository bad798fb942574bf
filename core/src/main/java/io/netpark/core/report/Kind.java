package io.netpark.core.report;

import io.netpark.core.sys.NetparkException;
import io.netpark.core.sys.NetparkException.SystemError;
import io.netpark.core.sys.NetparkException.TimedOut;
import io.netpark.core.sys.NetparkException.TlsFailure;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What reports have in common of which an operator needs to see one, and how many there were. No text is part of it: peers would make as many
 * kinds as they like.
 *
 * @param place the class that reports
 * @param failure the class of the cause, by name, as this may live longer than a class loader
 * @param detail which timeout, which fault of TLS, or which errno; null for none
 * @param thrown where the cause was thrown; null of one that Netpark has made, which says all itself
 * @param isByPeer whether the cause is a {@link PeerFault}
 */
record Kind(String place, String failure, @Nullable Object detail, @Nullable StackTraceElement thrown, boolean isByPeer) {

    static Kind of(String place, Throwable cause) {
        String failure = cause.getClass().getName();
        if (cause instanceof NetparkException known) {
            return new Kind(place, failure, detail(known), null, PeerFault.of(known) != null);
        }
        StackTraceElement[] stack = cause.getStackTrace();
        return new Kind(place, failure, null, stack.length == 0 ? null : stack[0], false);
    }

    // By hand: with what the JDK makes for records their class loader was not unloaded any more (LoadersSpec, JDK 25).

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof Kind kind && isByPeer == kind.isByPeer && place.equals(kind.place) && failure.equals(kind.failure)
                && Objects.equals(detail, kind.detail) && Objects.equals(thrown, kind.thrown);
    }

    @Override
    public int hashCode() {
        return 31 * (31 * (31 * place.hashCode() + failure.hashCode()) + Objects.hashCode(detail)) + Objects.hashCode(thrown);
    }

    private static @Nullable Object detail(NetparkException cause) {
        if (cause instanceof TimedOut timedOut) {
            return timedOut.timeout();
        } else if (cause instanceof TlsFailure failure) {
            return failure.fault();
        }
        return cause instanceof SystemError error ? error.errno() : null;
    }
}
