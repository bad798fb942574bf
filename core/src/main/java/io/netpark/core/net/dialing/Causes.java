package io.netpark.core.net.dialing;

import io.netpark.core.sys.AddressText;
import io.netpark.core.sys.NetparkException;
import java.util.List;
import java.util.Objects;

/** What the failures of a dial's attempts come to: one exception that names each address with its own cause. */
final class Causes {

    /** How many causes an error names, and has with it. */
    private static final int MOST = 32;

    private Causes() {}

    /** The failure of a dial whose attempts have all failed. It is of the first one's class. */
    static NetparkException all(List<Attempt> attempts, String operation) {
        NetparkException first = Objects.requireNonNull(attempts.get(0).failure);
        if (attempts.size() == 1) {
            return first;
        }
        NetparkException all = NetparkException.like(first, operation + ": none of " + attempts.size()
                + " addresses could be connected to: " + text(attempts, 0));
        suppress(attempts, all);
        return all;
    }

    /**
     * Each address with its cause.
     *
     * @param untried how many addresses no attempt has been made of
     */
    static String text(List<Attempt> attempts, int untried) {
        StringBuilder text = new StringBuilder();
        for (Attempt attempt : attempts.subList(0, Math.min(attempts.size(), MOST))) {
            String message = attempt.failure == null ? "no answer" : String.valueOf(attempt.failure.getMessage());
            String prefix = "connect to " + AddressText.of(attempt.remote) + ": ";
            text.append(text.length() == 0 ? "" : " | ").append(AddressText.of(attempt.remote)).append(": ")
                    .append(message.startsWith(prefix) ? message.substring(prefix.length()) : message);
        }
        return text + (attempts.size() > MOST ? " | and " + (attempts.size() - MOST) + " more" : "")
                + (untried == 0 ? "" : " | " + untried + " not tried");
    }

    /** Adds the failures of the attempts to the one of the dial. */
    static void suppress(List<Attempt> attempts, NetparkException all) {
        attempts.stream().filter(attempt -> attempt.failure != null).limit(MOST)
                .forEach(attempt -> all.addSuppressed(attempt.failure));
    }
}
