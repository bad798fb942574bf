package io.netpark.core.testing.tls;

import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import java.security.spec.AlgorithmParameterSpec;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.NamedParameterSpec;
import java.security.spec.RSAKeyGenParameterSpec;
import org.jspecify.annotations.Nullable;

/** The kinds of keys that certificates have. */
public enum KeyKind {
    RSA("RSA", new RSAKeyGenParameterSpec(2048, RSAKeyGenParameterSpec.F4), "SHA256withRSA"),
    EC("EC", new ECGenParameterSpec("secp256r1"), "SHA256withECDSA"),
    ED25519("Ed25519", NamedParameterSpec.ED25519, "Ed25519");

    private final String algorithm;
    private final AlgorithmParameterSpec parameters;
    private final String signature;
    private @Nullable KeyPair shared;

    KeyKind(String algorithm, AlgorithmParameterSpec parameters, String signature) {
        this.algorithm = algorithm;
        this.parameters = parameters;
        this.signature = signature;
    }

    /** The name of the algorithm that a key of this kind signs with. */
    String signature() {
        return signature;
    }

    /** Keys that are made once, and that all who do not ask for their own share: those of RSA take a tenth of a second or two. */
    public synchronized KeyPair shared() {
        KeyPair made = shared;
        if (made == null) {
            made = fresh();
            shared = made;
        }
        return made;
    }

    /** Keys that nobody else has. */
    public KeyPair fresh() {
        try {
            var generator = KeyPairGenerator.getInstance(algorithm);
            generator.initialize(parameters);
            return generator.generateKeyPair();
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    static KeyKind of(PublicKey key) {
        return switch (key.getAlgorithm()) {
            case "RSA" -> RSA;
            case "EC" -> EC;
            default -> ED25519;
        };
    }
}
