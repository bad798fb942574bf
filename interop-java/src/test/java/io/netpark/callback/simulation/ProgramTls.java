package io.netpark.callback.simulation;

import io.netpark.core.testing.tls.Authority;
import io.netpark.core.testing.tls.Identity;
import io.netpark.core.testing.tls.KeyKind;
import io.netpark.core.tls.ClientTls;
import io.netpark.core.tls.ServerTls;
import java.util.List;

/** TLS of a program. Only keys are those of all programs: it would go on with a session of the one before otherwise. */
final class ProgramTls {

    /** Made when a program is the first to need them. */
    private static final class Keys {
        static final Authority ROOT = Authority.root("Authority of random callbacks");
        /** With signatures of one length, and so records, whatever is signed. */
        static final Identity SERVER = ROOT.order("server").key(KeyKind.ED25519).issue();
    }

    final ServerTls server = ServerTls.builder().certificate(Keys.SERVER.chain(), Keys.SERVER.key()).build();
    final ClientTls client = ClientTls.builder().trust(List.of(Keys.ROOT.certificate())).build();
}
