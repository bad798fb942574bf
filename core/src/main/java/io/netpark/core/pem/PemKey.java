package io.netpark.core.pem;

import io.netpark.core.pem.PemFile.Block;
import java.io.IOException;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.NoSuchAlgorithmException;
import java.security.PrivateKey;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.crypto.BadPaddingException;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The private key of a PEM file. Its forms: PKCS#8 (RFC 5208, RFC 5958), encrypted or not; PKCS#1 for RSA (RFC 8017) and SEC 1 for
 * elliptic curves (RFC 5915), which are wrapped into PKCS#8, as the JDK reads nothing else.
 */
final class PemKey {

    private static final Set<String> LABELS = Set.of(
            "PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", "OPENSSH PRIVATE KEY");

    /** What TLS can sign with, by the identifier of the algorithm. */
    private static final Map<String, String> ALGORITHMS = Map.of(
            "1.2.840.113549.1.1.1", "RSA",
            "1.2.840.113549.1.1.10", "RSASSA-PSS",
            "1.2.840.10045.2.1", "EC",
            "1.3.101.112", "EdDSA",
            "1.3.101.113", "EdDSA");

    private static final byte[] VERSION_0 = {Der.INTEGER, 1, 0};
    private static final byte[] RSA = HexFormat.of().parseHex("300d06092a864886f70d0101010500"); // rsaEncryption and NULL
    private static final byte[] EC = HexFormat.of().parseHex("06072a8648ce3d0201"); // id-ecPublicKey

    private final PemFile file;
    private final char @Nullable [] password;

    PemKey(PemFile file, char @Nullable [] password) {
        this.file = file;
        this.password = password;
    }

    PrivateKey read() throws PemException {
        List<Block> keys = file.blocks().stream().filter(block -> LABELS.contains(block.label())).toList();
        if (keys.isEmpty()) {
            throw new PemException(file.path() + ": has no private key, only " + file.labels());
        }
        if (keys.size() > 1) {
            throw new PemException(file.path() + ": has more than one private key, in line " + keys.get(0).line() + " and in line "
                    + keys.get(1).line() + "; leave the one that belongs to the certificate");
        }
        Block block = keys.get(0);
        byte[] pkcs8 = null;
        try {
            pkcs8 = pkcs8(block);
            return key(block, pkcs8);
        } catch (GeneralSecurityException e) {
            throw new PemException(file.place(block) + ": the " + block.label() + " cannot be read: " + e.getMessage(), e);
        } finally {
            if (pkcs8 != null) {
                Arrays.fill(pkcs8, (byte) 0);
            }
        }
    }

    private byte[] pkcs8(Block block) throws PemException, InvalidKeyException {
        if (block.encrypted()) {
            throw new PemException(file.place(block) + ": is encrypted in the old way of OpenSSL; convert it by " + conversion());
        }
        return switch (block.label()) {
            case "PRIVATE KEY" -> block.content().clone();
            case "ENCRYPTED PRIVATE KEY" -> decrypted(block);
            case "RSA PRIVATE KEY" -> Der.element(Der.SEQUENCE, VERSION_0, RSA, Der.element(Der.OCTET_STRING, block.content()));
            case "EC PRIVATE KEY" -> Der.element(Der.SEQUENCE, VERSION_0, Der.element(Der.SEQUENCE, EC, curve(block)),
                    Der.element(Der.OCTET_STRING, block.content()));
            case "OPENSSH PRIVATE KEY" -> throw new PemException(file.place(block)
                    + ": is in the form of OpenSSH; convert it by 'ssh-keygen -p -m PKCS8 -f " + file.path() + "'");
            default -> throw new PemException(
                    file.place(block) + ": " + block.label() + ": TLS 1.3 has no such keys; use RSA, EC or Ed25519");
        };
    }

    private String conversion() {
        return "'openssl pkcs8 -topk8 -v2 aes256 -in " + file.path() + "', or with -nocrypt in place of '-v2 aes256'";
    }

    /** The curve of a SEC 1 key: in the key, or in a block of its own as 'openssl ecparam -genkey' writes it. */
    private byte[] curve(Block key) throws PemException, InvalidKeyException {
        Der fields = Der.of(key.content()).enter(Der.SEQUENCE);
        fields.enter(Der.INTEGER);
        fields.enter(Der.OCTET_STRING);
        byte[] curve = null;
        if (fields.tag() == Der.PARAMETERS) {
            curve = fields.enter(Der.PARAMETERS).rest();
        } else {
            for (Block block : file.blocks()) {
                if (block.label().equals("EC PARAMETERS")) {
                    curve = block.content();
                }
            }
        }
        if (curve == null || Der.of(curve).tag() != Der.OBJECT_IDENTIFIER) {
            throw new PemException(file.place(key) + ": the key does not name its curve; convert it by " + conversion()
                    + " and -param_enc named_curve");
        }
        return curve;
    }

    private byte[] decrypted(Block block) throws PemException {
        if (password == null) {
            throw new PemException(file.place(block) + ": the key is encrypted, and no password was given");
        }
        PBEKeySpec secret = new PBEKeySpec(password);
        String algorithm = "its algorithm";
        try {
            EncryptedPrivateKeyInfo info = new EncryptedPrivateKeyInfo(block.content());
            AlgorithmParameters parameters = info.getAlgParameters();
            algorithm = info.getAlgName();
            // PBES2 is a family. Which of it, the parameters say when they are printed, and newer JDKs in the name.
            if (parameters != null && (algorithm.equals("PBES2") || algorithm.equals("1.2.840.113549.1.5.13"))) {
                algorithm = parameters.toString();
            }
            Cipher cipher = Cipher.getInstance(algorithm);
            cipher.init(Cipher.DECRYPT_MODE, SecretKeyFactory.getInstance(algorithm).generateSecret(secret), parameters);
            return cipher.doFinal(info.getEncryptedData());
        } catch (BadPaddingException e) {
            throw new PemException(file.place(block) + ": the password is wrong", e);
        } catch (InvalidKeySpecException e) {
            throw new PemException(file.place(block) + ": the JDK does not take this password: " + e.getMessage(), e);
        } catch (IOException | GeneralSecurityException e) {
            throw new PemException(
                    file.place(block) + ": the JDK cannot decrypt " + algorithm + "; convert the key by " + conversion(), e);
        } finally {
            secret.clearPassword();
        }
    }

    private PrivateKey key(Block block, byte[] pkcs8) throws PemException, GeneralSecurityException {
        Der fields;
        try {
            fields = Der.of(pkcs8).enter(Der.SEQUENCE);
            fields.enter(Der.INTEGER);
        } catch (InvalidKeyException e) {
            if (block.label().equals("ENCRYPTED PRIVATE KEY")) { // one wrong password in 256 has a padding that is right by chance
                throw new PemException(file.place(block) + ": the password is wrong", e);
            }
            throw e;
        }
        String identifier = fields.enter(Der.SEQUENCE).enter(Der.OBJECT_IDENTIFIER).objectIdentifier();
        String algorithm = ALGORITHMS.getOrDefault(identifier, identifier);
        try {
            return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        } catch (NoSuchAlgorithmException e) {
            throw new PemException(
                    file.place(block) + ": the JDK has no keys of the algorithm " + algorithm + "; use RSA, EC or Ed25519", e);
        }
    }
}
